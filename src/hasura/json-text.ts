/** Where in a JSON text the value ends that begins at `start`, whatever it is; where it began when none does. */
export function endOfValue(text: string, start: number): number {
  switch (text.charCodeAt(start)) {
    case quote:
      return endOfString(text, start)
    case leftBrace:
    case leftBracket:
      return endOfNested(text, start)
    default:
      return endOfWord(text, start)
  }
}

/** Of the next character that isn't white space. */
export function skipSpace(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= space) at += 1
  return at
}

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === backslash) before -= 1
    if ((at - before) % 2 === 1) return at + 1
  }
  return text.length
}

function endOfNested(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at) - 1
        break
      case leftBrace:
      case leftBracket:
        depth += 1
        break
      case rightBrace:
      case rightBracket:
        depth -= 1
        if (depth === 0) return at + 1
    }
  }
  return text.length
}

function endOfWord(text: string, start: number): number {
  word.lastIndex = start
  return word.test(text) ? word.lastIndex : start
}

/** RFC 8259, sections 3 and 6. */
const word = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y

const space = 0x20
const quote = 0x22
const leftBracket = 0x5b
const backslash = 0x5c
const rightBracket = 0x5d
const leftBrace = 0x7b
const rightBrace = 0x7d
