import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { readSafely } from '../failures/read-safely.ts'
import { parseKeepingDigits } from '../json/exact-numbers.ts'
import { parseJson } from '../json/parse-json.ts'
import { behind, endOfValue, skipSpace } from './json-bytes.ts'
import { NumberList } from './number-list.ts'

/** Rows whose values are JSON text, so that no digit passes through a JavaScript number. */
export interface Rows {
  readonly count: number
  /** The column names of the response. */
  readonly names: readonly string[]
  /** @returns undefined when there is no such column */
  column(name: string): Column | undefined
}

/** The values of one column as ranges of the response's bytes: no text is created per value. */
export interface Column {
  readonly bytes: Buffer
  /** Pairs of start and end: the first row's at index `first`, each further row's `step` numbers later. */
  readonly places: Uint32Array
  readonly first: number
  readonly step: number
  /** The JSON of a row's value. */
  text(row: number): string
}

/**
 * Finds the values in `{"data":{"users":[…]}}`, as Hasura writes it, without parsing them: the database does that. The inside of texts,
 * lists and objects is trusted to be JSON.
 *
 * @param place of the list in `data`: `users`, or `north.users` in a namespace
 * @returns undefined for any other body, such as errors
 */
export function findRows(body: Buffer, place: string): Rows | undefined {
  const names = ['data', ...place.split('.')]
  const head = behind(body, 0, Buffer.from(`${names.map(name => `{"${name}":`).join('')}[`))
  const tail = Buffer.from(`]${'}'.repeat(names.length)}`)
  const end = body.length - tail.length
  if (head === 0 || behind(body, end, tail) === end || !isUtf8(body)) return undefined
  const first = skipSpace(body, head)
  if (first === end) return rowsOf([])
  const columns = namesOf(body.toString('utf8', first, endOfValue(body, first)))
  if (!columns) return undefined
  const keys = columns.map(name => Buffer.from(JSON.stringify(name)))
  const places = new NumberList()
  for (let at = first; ; ) {
    at = findValues(body, at, keys, places)
    if (at === end) break
    if (body[at] !== comma) return undefined
    at = skipSpace(body, at + 1)
  }
  return rowsAt(body, columns, places.numbers, places.length / (2 * columns.length))
}

/** Parses a response in any other layout. It has the columns that all rows have. @returns undefined when it has no such list */
export function parseRows(body: string, place: string): Rows | undefined {
  const { data } = z.array(record).safeParse(valueAt(parseKeepingDigits(body), `data.${place}`))
  const [first = {}, ...others] = data ?? []
  return (
    data &&
    rowsOf(
      data,
      Object.keys(first).filter(name => others.every(row => Object.hasOwn(row, name))),
    )
  )
}

/** @param place the names of the path, separated by dots, which GraphQL names don't contain */
export function valueAt(json: unknown, place: string): unknown {
  return place.split('.').reduce<unknown>((value, name) => {
    const parsed = record.safeParse(value)
    return parsed.success && Object.hasOwn(parsed.data, name) ? parsed.data[name] : undefined
  }, json)
}

/**
 * @param list the values of columns; a missing one is null
 * @param names of the columns; default: all that there are
 */
export function rowsOf(
  list: readonly Readonly<Record<string, unknown>>[],
  names: readonly string[] = [...new Set(list.flatMap(row => Object.keys(row)))],
): Rows {
  const texts = list.flatMap(row => names.map(name => writeValue(row[name])))
  const places = new NumberList()
  let at = 0
  for (const text of texts) {
    places.push(at)
    at += Buffer.byteLength(text)
    places.push(at)
  }
  return rowsAt(Buffer.from(texts.join('')), names, places.numbers, list.length)
}

/** JSON writes NaN, the infinities and an invalid date as null. As text, the column's type accepts or refuses them. */
function writeValue(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  const json = JSON.stringify(value)
  const isLost = json === 'null' && (typeof value === 'number' || value instanceof Date)
  return isLost ? JSON.stringify(String(value)) : (json ?? 'null')
}

/** @param places start and end of each value, row by row */
function rowsAt(bytes: Buffer, names: readonly string[], places: Uint32Array, count: number): Rows {
  const step = 2 * names.length
  return {
    count,
    names,
    column(name) {
      const first = 2 * names.indexOf(name)
      if (first < 0) return undefined
      const text = (row: number) => bytes.toString('utf8', places[first + row * step], places[first + row * step + 1])
      return { bytes, places, first, step, text }
    },
  }
}

/**
 * The values of some columns in one row as texts, with all digits.
 *
 * @throws PermanentError (`null-in-order`) when one of them is null, so that the row can't be ordered; (`list-in-order`) when one is a list
 *   or an object, which no query can compare with
 */
export function textsAt(rows: Rows, row: number, names: readonly string[]): readonly string[] {
  return names.map(name => {
    const value = rows.column(name)?.text(row) ?? 'null'
    if (value === 'null') {
      throw new PermanentError('null-in-order', {
        found: `"${name}" is null in a row, but identifies or orders rows`,
        remedy: `choose columns that are never null, or exclude such rows by the job's "where"`,
      })
    }
    if (/^[[{]/.test(value)) {
      throw new PermanentError('list-in-order', {
        found: `"${name}" holds lists or objects, but identifies or orders rows`,
        remedy: "choose other columns, because a query can't compare an array or a composite type with a value",
      })
    }
    return value.startsWith('"') ? z.string().parse(parseJson(value)) : value
  })
}

function namesOf(row: string): readonly string[] | undefined {
  const names = readSafely(() => Object.keys(record.parse(parseJson(row)))) ?? []
  return names.length > 0 ? names : undefined
}

/**
 * Adds start and end of each value of one row, whose columns have the order of the first row: GraphQL answers in the order of the
 * selection.
 *
 * @returns the position after the row; -1 when the row has another layout
 */
function findValues(body: Buffer, start: number, keys: readonly Buffer[], places: NumberList): number {
  let at = start
  let before = brace
  for (const key of keys) {
    if (body[at] !== before) return -1
    const name = skipSpace(body, at + 1)
    at = behind(body, name, key)
    if (at === name) return -1
    at = skipSpace(body, at)
    if (body[at] !== colon) return -1
    at = skipSpace(body, at + 1)
    const end = endOfValue(body, at)
    if (end === at) return -1
    places.push(at)
    places.push(end)
    at = skipSpace(body, end)
    before = comma
  }
  return body[at] === closingBrace ? skipSpace(body, at + 1) : -1
}

const comma = 0x2c
const colon = 0x3a
const brace = 0x7b
const closingBrace = 0x7d

const record = z.record(z.string(), z.unknown())
