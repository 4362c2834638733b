/**
 * ioredis has a class that extends String. V8 then turns String's prototype into a dictionary, and every method of every text in
 * the process takes three times as long, until a method has been looked up on a String object (texts themselves don't count) by
 * code that is warm enough to remember it.
 */
export function quickenStrings(): void {
  const text: unknown = Object('text')
  for (let times = 0; times < 100; times += 1) look(text)
}

function look(text: unknown): unknown {
  return text instanceof String && text.trim
}
