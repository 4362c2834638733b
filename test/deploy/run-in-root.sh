# Runs a command in a root folder of its own, with this machine's programs. To be started in new namespaces of mounts and processes.
# usage: run-in-root.sh ROOT ro|rw NODE_FOLDER FOLDER USER [SOURCE TARGET ro|rw]... -- COMMAND [WORD]...
set -eu
root=$1 mode=$2 node=$3 folder=$4 user=$5
shift 5

bind() {
  if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$(dirname "$root$2")" && touch "$root$2"; fi
  mount --bind "$1" "$root$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
}

mount --bind "$root" "$root"
for part in /usr /bin /sbin /lib /lib64 /etc/ssl /etc/hosts /etc/resolv.conf /etc/nsswitch.conf; do
  if [ -e "$part" ]; then bind "$part" "$part" ro; fi
done
bind "$node" /opt/node ro
for device in null zero random urandom; do bind "/dev/$device" "/dev/$device" rw; done
printf 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nnode:x:1000:\n' >"$root/etc/group"
mkdir -p "$root/proc" "$root/home/node" "$root/tmp"
chmod 1777 "$root/tmp"
chown 1000:1000 "$root/home/node"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do
  bind "$1" "$2" "$3"
  shift 3
done
shift
if [ "$mode" = ro ]; then mount -o remount,bind,ro "$root"; fi

# Each program replaces the one before, so that the command is process 1, as in a container.
if [ "$user" != root ]; then
  set -- setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs --bounding-set=-all "$@"
fi
exec chroot "$root" /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
