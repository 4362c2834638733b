import { type Path, parseFailed, validationFailed } from './hasura-error.ts'
import type { InputHints } from './input-hints.ts'
import { describeValue, type InputValue, toJson, type Variables } from './input-value.ts'
import { type Json, JsonNumber } from './lossless-json.ts'
import { aesonMismatch } from './session.ts'

/** GraphQL's own scalars where they are arguments: `limit`, `_is_null`, `path`. */
export function parsePlainScalar(value: InputValue, type: string, hints: InputHints, path: Path): Json {
  const json = toJson(value, new Map())
  switch (type) {
    case 'Boolean':
      if (typeof json === 'boolean') return json
      throw mismatch('a boolean', type, value, path)
    case 'Int':
      return parseInteger(value, json, hints, path)
    case 'String':
      if (typeof json === 'string' && !isEnum(value)) return json
      throw mismatch('a string', type, value, path)
    default:
      throw new Error(`no argument has the type ${type}`)
  }
}

function parseInteger(value: InputValue, json: Json, hints: InputHints, path: Path): Json {
  if (hints.int === 'big' && typeof json === 'string' && /^\d+$/.test(json)) return new JsonNumber(json)
  const isInteger = json instanceof JsonNumber && !(value.kind === 'literal' && value.node.kind === 'FloatValue')
  const expected =
    hints.int === 'non-negative'
      ? 'a non-negative 32-bit integer'
      : hints.int === 'big'
        ? 'a 32-bit integer, or a 64-bit integer represented as a string'
        : 'a 32-bit integer'
  if (!isInteger) throw mismatch(expected, 'Int', value, path)
  if (hints.int === 'non-negative' && Number(json.text) < 0) throw mismatch(expected, 'Int', value, path)
  return boundedInteger(json, hints.int === 'big' ? 64 : 32, path)
}

/** A column's value. A string is always let through: whether it is a uuid or a number, Postgres decides. */
export function parseColumnValue(
  value: InputValue,
  name: string,
  postgresType: string,
  path: Path,
  variables: Variables,
): Json {
  const json = toJson(value, variables)
  if (json === null) throw validationFailed(`unexpected null value for type '${name}'`, path)
  if (postgresType === 'json' || postgresType === 'jsonb' || typeof json === 'string') return json
  const isNumber = json instanceof JsonNumber
  const bits = integerBits[postgresType]
  if (bits !== undefined && isNumber) return boundedInteger(json, bits, path)
  if (bits !== undefined)
    throw parseFailed(aesonMismatch(`Integer expected for input type: ${postgresType}`, 'Number', json), path)
  if (floats.has(postgresType) && isNumber) return json
  if (floats.has(postgresType)) throw parseFailed(aesonMismatch('Scientific', 'Number', json), path)
  if (postgresType === 'bool' && typeof json === 'boolean') return json
  if (postgresType === 'bool') throw parseFailed(aesonMismatch('Bool', 'Boolean', json), path)
  throw parseFailed(aesonMismatch(haskellTypes[postgresType] ?? 'Text', 'String', json), path)
}

const integerBits: Readonly<Record<string, 16 | 32 | 64>> = { int2: 16, int4: 32, int8: 64 }
const floats = new Set(['float4', 'float8', 'numeric'])
const haskellTypes: Readonly<Record<string, string>> = {
  uuid: 'UUID',
  timestamptz: 'UTCTime',
  timestamp: 'LocalTime',
  date: 'Day',
}

function boundedInteger(number: JsonNumber, bits: 16 | 32 | 64, path: Path): JsonNumber {
  const digits = integerDigits(number.text)
  const limit = 2n ** BigInt(bits - 1)
  if (digits === undefined || BigInt(digits) < -limit || BigInt(digits) >= limit) {
    const message = `The value ${scientific(number.text)} lies outside the bounds or is not an integer. Maybe it is a float, or is there integer overflow?`
    throw parseFailed(message, path)
  }
  return new JsonNumber(digits)
}

/** `1.0` and `1e3` are integers too. */
function integerDigits(text: string): string | undefined {
  if (/^-?\d+$/.test(text)) return text
  const asNumber = Number(text)
  return Number.isSafeInteger(asNumber) ? String(asNumber) : undefined
}

/** How Haskell shows a number: 3.0e9, and 1.5 while it is small. */
function scientific(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return text
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return '0.0'
  const magnitude = whole.replace(/^0+/, '').length - 1 + Number(exponent)
  if (magnitude >= 0 && magnitude < 7) {
    const padded = digits.padEnd(magnitude + 2, '0')
    return `${sign}${padded.slice(0, magnitude + 1)}.${padded.slice(magnitude + 1)}`
  }
  const significant = digits.replace(/0+$/, '')
  return `${sign}${significant.slice(0, 1)}.${significant.slice(1) || '0'}e${magnitude}`
}

const isEnum = (value: InputValue) => value.kind === 'literal' && value.node.kind === 'EnumValue'

const mismatch = (expected: string, type: string, value: InputValue, path: Path) =>
  validationFailed(`expected ${expected} for type '${type}', but found ${describeValue(value)}`, path)
