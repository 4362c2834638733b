/**
 * ioredis has a class that extends String. V8 then turns String's prototype into a dictionary, and every string method in the
 * process takes three times as long. It recovers when a method is looked up on a String object (not a primitive) by optimized
 * code.
 */
export function quickenStrings(): void {
  const text: unknown = Object('text')
  for (let times = 0; times < 100; times += 1) look(text)
}

function look(text: unknown): unknown {
  return text instanceof String && text.trim
}
