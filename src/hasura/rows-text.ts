import { z } from 'zod'
import { parseKeepingDigits } from './exact-numbers.ts'

/** The rows of an answer as the API wrote them. */
export interface RowsText {
  /** A JSON array. */
  readonly text: string
  readonly count: number
  /** The last one by itself; undefined when there are none. */
  readonly last: string | undefined
}

/**
 * Cuts the rows out of `{"data":{"<root field>":[…]}}`, as Hasura writes it, without parsing them: a page is parsed where its
 * rows are needed, and that is in the database.
 *
 * @returns undefined for everything else, errors among it
 */
export function sliceRows(body: string, rootField: string): RowsText | undefined {
  const head = `{"data":{"${rootField}":[`
  if (!body.startsWith(head) || !body.endsWith(']}}')) return undefined
  const start = head.length - 1
  const end = body.length - 2
  // Only where a row holds a list of objects can something in it look like the beginning of the next.
  const isFlat = body.indexOf('[{', start + 1) === -1
  const rows = (isFlat ? findFlatRows(body, start, end) : undefined) ?? findRows(body, start, end)
  return rows && { ...rows, text: body.slice(start, end) }
}

/** What stands between two rows: nothing more than needed, or what Postgres' `json_agg` writes between objects and records. */
const gaps = ['},', '}, ', '}, \n ']

/** Finds where each row begins by its first column, which is the same in all of them; the quotes around its name can't stand in a text. */
function findFlatRows(body: string, start: number, end: number): Omit<RowsText, 'text'> | undefined {
  if (end - start === 2) return { count: 0, last: undefined }
  const firstColumn = body.slice(start + 1, body.indexOf(':', start) + 1)
  const gap = gaps.find(each => body.includes(`${each}${firstColumn}`)) ?? '},'
  const separator = `${gap}${firstColumn}`
  let count = 1
  let lastStart = start + 1
  for (let at = body.indexOf(separator, start); at !== -1; at = body.indexOf(separator, at + 1)) {
    count += 1
    lastStart = at + gap.length
  }
  const last = body.slice(lastStart, end - 1)
  return isObject(last) ? { count, last } : undefined
}

function isObject(text: string): boolean {
  try {
    return z.record(z.string(), z.unknown()).safeParse(JSON.parse(text)).success
  } catch {
    return false
  }
}

/** Counts the objects of an array that ends just before `end`; undefined when it ends anywhere else. */
function findRows(body: string, start: number, end: number): Omit<RowsText, 'text'> | undefined {
  let depth = 0
  let count = 0
  let lastStart = 0
  let lastEnd = 0
  for (let at = start; at < end; at += 1) {
    switch (body.charCodeAt(at)) {
      case quote:
        at = endOfString(body, at)
        break
      case leftBracket:
      case leftBrace:
        if (depth === 1) {
          count += 1
          lastStart = at
        }
        depth += 1
        break
      case rightBracket:
      case rightBrace:
        depth -= 1
        if (depth === 1) lastEnd = at + 1
        if (depth === 0 && at !== end - 1) return undefined
    }
  }
  if (depth !== 0) return undefined
  return { count, last: count > 0 ? body.slice(lastStart, lastEnd) : undefined }
}

const quote = 0x22
const backslash = 0x5c
const leftBracket = 0x5b
const rightBracket = 0x5d
const leftBrace = 0x7b
const rightBrace = 0x7d

/** Where the string that begins at `start` ends. */
function endOfString(body: string, start: number): number {
  for (let at = start + 1; at < body.length; at += 1) {
    const code = body.charCodeAt(at)
    if (code === quote) return at
    if (code === backslash) at += 1
  }
  return body.length
}

/** The same of an answer that was written in any other way. @returns undefined when it has no such list */
export function extractRows(body: string, rootField: string): RowsText | undefined {
  const parsed = answer.safeParse(parseKeepingDigits(body))
  const rows = parsed.success ? parsed.data.data[rootField] : undefined
  if (!rows) return undefined
  const last = rows.at(-1)
  return { text: JSON.stringify(rows), count: rows.length, last: last && JSON.stringify(last) }
}

const answer = z.object({ data: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))) })
