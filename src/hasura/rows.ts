import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { parseKeepingDigits } from './exact-numbers.ts'
import { endOfValue, skipSpace } from './json-text.ts'
import { NumberList } from './number-list.ts'

/** Rows of which each value is a JSON text, so that no digit of an answer passes through a JavaScript number. */
export interface Rows {
  readonly count: number
  /** The columns' names as they are in the answer. */
  readonly names: readonly string[]
  /** What gives the value in each row; undefined when there is no such column. */
  column(name: string): ((row: number) => string) | undefined
}

/**
 * Finds the values in `{"data":{"<root field>":[…]}}`, as Hasura writes it, without parsing them: they are read where they are
 * needed, and that is in the database. What is inside of a text, a list or an object is trusted to be JSON.
 *
 * @returns undefined for everything else, errors among it
 */
export function findRows(body: string, rootField: string): Rows | undefined {
  const head = `{"data":{"${rootField}":[`
  if (!body.startsWith(head) || !body.endsWith(']}}')) return undefined
  const end = body.length - 3
  const first = skipSpace(body, head.length)
  if (first === end) return rowsOf([])
  const names = namesOf(body.slice(first, endOfValue(body, first)))
  if (!names) return undefined
  const keys = names.map(name => JSON.stringify(name))
  const found = new NumberList()
  for (let at = first; ; ) {
    at = findValues(body, at, keys, found)
    if (at === end) break
    if (body[at] !== ',') return undefined
    at = skipSpace(body, at + 1)
  }
  const width = 2 * names.length
  return {
    count: found.length / width,
    names,
    column(name) {
      const index = 2 * names.indexOf(name)
      if (index < 0) return undefined
      return row => body.slice(found.at(row * width + index), found.at(row * width + index + 1))
    },
  }
}

/** The same of an answer that was written in any other way. @returns undefined when it has no such list */
export function parseRows(body: string, rootField: string): Rows | undefined {
  const parsed = answer.safeParse(parseKeepingDigits(body))
  const list = parsed.success ? parsed.data.data[rootField] : undefined
  return list && rowsOf(list)
}

/** @param list what `JSON.stringify` can write; what a row doesn't have is null */
export function rowsOf(list: readonly Readonly<Record<string, unknown>>[]): Rows {
  const names = new Set(list.flatMap(row => Object.keys(row)))
  return {
    count: list.length,
    names: [...names],
    column: name => (names.has(name) ? row => JSON.stringify(list[row]?.[name]) ?? 'null' : undefined),
  }
}

/**
 * The texts of some columns in one row, all digits of their numbers among them.
 *
 * @throws PermanentError (`null-in-order`) when one of them is null, so that the row has no place among the others
 */
export function textsAt(rows: Rows, row: number, names: readonly string[]): readonly string[] {
  return names.map(name => {
    const value = rows.column(name)?.(row) ?? 'null'
    if (value === 'null') {
      throw new PermanentError(
        'null-in-order',
        `"${name}" is null in a row, and rows are told apart and ordered by it: choose columns that never are, or leave such rows out by the job's "where"`,
      )
    }
    return value.startsWith('"') ? z.string().parse(JSON.parse(value)) : value
  })
}

function namesOf(row: string): readonly string[] | undefined {
  try {
    const names = Object.keys(record.parse(JSON.parse(row)))
    return names.length > 0 ? names : undefined
  } catch {
    return undefined
  }
}

/**
 * Adds beginning and end of each value of one row, which has the columns of the first in their order: GraphQL answers in the
 * order of the selection.
 *
 * @returns where the next character behind the row is; -1 when the row is written in any other way
 */
function findValues(body: string, start: number, keys: readonly string[], found: NumberList): number {
  let at = start
  let before = brace
  for (const key of keys) {
    if (body.charCodeAt(at) !== before) return -1
    at = skipSpace(body, at + 1)
    if (!body.startsWith(key, at)) return -1
    at = skipSpace(body, at + key.length)
    if (body.charCodeAt(at) !== colon) return -1
    at = skipSpace(body, at + 1)
    const end = endOfValue(body, at)
    if (end === at) return -1
    found.push(at)
    found.push(end)
    at = skipSpace(body, end)
    before = comma
  }
  return body.charCodeAt(at) === closingBrace ? skipSpace(body, at + 1) : -1
}

const comma = 0x2c
const colon = 0x3a
const brace = 0x7b
const closingBrace = 0x7d

const record = z.record(z.string(), z.unknown())
const answer = z.object({ data: z.record(z.string(), z.array(record)) })
