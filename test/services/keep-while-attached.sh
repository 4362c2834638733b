#!/bin/sh
# Runs a server for as long as whoever started this script lives, and prints the server's process id.
# The starter holds our stdin open: it closes however the starter ends, even by SIGKILL, and then the server is stopped and
# its folder removed.
# usage: keep-while-attached.sh STOP_SIGNAL FOLDER COMMAND [ARGUMENT...]
stop_signal=$1
folder=$2
shift 2
exec 3<&0
"$@" </dev/null 3<&- >>"$folder/output.log" 2>&1 &
server=$!
echo "$server"
(
  read -r _ <&3
  : >"$folder/abandoned"
  # A stopped process only sees the signal once it goes on.
  kill -s "$stop_signal" "$server"
  kill -s CONT "$server"
  tries=0
  while kill -s 0 "$server" && [ "$tries" -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.2
  done
  rm -rf "$folder"
  kill -s KILL -- "-$$"
) >/dev/null 2>&1 &
watch=$!
{
  wait "$server"
  status=$?
} 2>/dev/null
if [ -e "$folder/abandoned" ]; then
  rm -rf "$folder"
fi
kill "$watch" 2>/dev/null
wait "$watch" 2>/dev/null
exit "$status"
