/** The end of the JSON value that begins at `start`; `start` when none begins there. */
export function endOfValue(json: Buffer, start: number): number {
  switch (json[start]) {
    case quote:
      return endOfString(json, start)
    case leftBrace:
    case leftBracket:
      return endOfNested(json, start)
    case letterT:
      return behind(json, start, wordTrue)
    case letterF:
      return behind(json, start, wordFalse)
    case letterN:
      return behind(json, start, wordNull)
    default:
      return endOfNumber(json, start)
  }
}

/** The position of the next character that isn't white space. */
export function skipSpace(json: Buffer, start: number): number {
  let at = start
  while ((json[at] ?? quote) <= space) at += 1
  return at
}

/** The end of `word` if it stands at `start`; otherwise `start`. */
export function behind(json: Buffer, start: number, word: Buffer): number {
  for (let at = 0; at < word.length; at += 1) {
    if (json[start + at] !== word[at]) return start
  }
  return start + word.length
}

function endOfString(json: Buffer, start: number): number {
  for (let at = start + 1; at < json.length; at += 1) {
    const byte = json[at]
    if (byte === quote) return at + 1
    if (byte === backslash) at += 1
  }
  return json.length
}

function endOfNested(json: Buffer, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at += 1) {
    switch (json[at]) {
      case quote:
        at = endOfString(json, at) - 1
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
  return json.length
}

/** RFC 8259, section 6. */
function endOfNumber(json: Buffer, start: number): number {
  const first = json[start] === minus ? start + 1 : start
  let end = json[first] === zero ? first + 1 : endOfDigits(json, first)
  if (end === first) return start
  if (json[end] === point) {
    const fraction = end + 1
    end = endOfDigits(json, fraction)
    if (end === fraction) return start
  }
  if (json[end] === letterE || json[end] === capitalE) {
    const sign = json[end + 1]
    const exponent = sign === plus || sign === minus ? end + 2 : end + 1
    end = endOfDigits(json, exponent)
    if (end === exponent) return start
  }
  return end
}

function endOfDigits(json: Buffer, start: number): number {
  let at = start
  for (let byte = json[at]; byte !== undefined && byte >= zero && byte <= nine; byte = json[at]) at += 1
  return at
}

const wordTrue = Buffer.from('true')
const wordFalse = Buffer.from('false')
const wordNull = Buffer.from('null')

const space = 0x20
const quote = 0x22
const plus = 0x2b
const minus = 0x2d
const point = 0x2e
const zero = 0x30
const nine = 0x39
const capitalE = 0x45
const leftBracket = 0x5b
const backslash = 0x5c
const rightBracket = 0x5d
const letterE = 0x65
const letterF = 0x66
const letterN = 0x6e
const letterT = 0x74
const leftBrace = 0x7b
const rightBrace = 0x7d
