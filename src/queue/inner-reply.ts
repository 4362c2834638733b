/** What Redis answered to a command of a script. Before version 7, it puts the script's name and line in front. */
export function innerReply(message: string): string {
  return message.replace(/^ERR Error running script \([^)]*\):.*?: -(?=[A-Z]+ )/s, '')
}
