import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { type Rows, rowsOf, textsAt } from '../hasura/rows.ts'
import { type Origins, parseKeepingDigits, toPlain, withDigits } from '../json/exact-numbers.ts'
import type { Position } from '../store/schema.ts'
import type { MirrorTable } from './mirror-table.ts'
import type { PageRows } from './page-rows.ts'

/** Returns the row to mirror, or undefined to leave it out. */
export type RowTransform = (row: unknown) => unknown

/**
 * Applies a job's transform to the rows of a page. It gets numbers that JavaScript would write differently as text; inside JSON, only
 * those that it would round. There, numbers keep all their digits in lists and objects that the transform passes on.
 *
 * @param fixed the columns of key and cursor
 * @throws PermanentError (`transform`) if it gives no row, or if a row has lost or changed one of these
 */
export function transformPage(
  page: Rows,
  { columns, key }: Pick<MirrorTable, 'columns' | 'key'>,
  fixed: readonly string[],
  transform: RowTransform,
): PageRows {
  const asText = new Set(columns.filter(({ type }) => type !== 'json' && type !== 'jsonb').map(({ name }) => name))
  const results: Record<string, unknown>[] = []
  const leftOut: Position[] = []
  const sources = page.names.map(name => ({ name, isText: asText.has(name), column: page.column(name) }))
  for (let index = 0; index < page.count; index += 1) {
    const position = textsAt(page, index, key)
    const exact = new Map(
      sources.map(({ name, isText, column }) => {
        const value = parseKeepingDigits(column?.text(index) ?? 'null')
        return [name, isText && JSON.isRawJSON(value) ? value.rawJSON : value] as const
      }),
    )
    const origins: Origins = new WeakMap()
    const row = Object.fromEntries([...exact].map(([name, value]) => [name, toPlain(value, origins)]))
    const before = fixed.map(name => row[name])
    const result = transform(row)
    if (result === undefined) {
      leftOut.push(position)
      continue
    }
    const after = record.safeParse(result)
    if (!after.success) {
      throw new PermanentError('transform', {
        found: `The transform gave ${Object.prototype.toString.call(result)} instead of a plain object`,
        remedy: "return an object of columns, or undefined to leave the row out; a Promise isn't awaited",
      })
    }
    const changed = fixed.find((name, at) => after.data[name] !== before[at])
    if (changed !== undefined) {
      throw new PermanentError('transform', {
        found: `The transform changed "${changed}", which identifies or orders the row`,
        remedy: `leave the key and cursor columns unchanged (${fixed.join(', ')})`,
      })
    }
    results.push(
      Object.fromEntries(
        Object.entries(after.data).map(([name, value]) => [name, withDigits(value, exact.get(name), origins)]),
      ),
    )
  }
  return { ...rowsOf(results), leftOut }
}

const record = z.record(z.string(), z.unknown())
