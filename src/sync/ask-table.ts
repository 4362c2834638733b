import { z } from 'zod'
import type { UntypedDocument } from '../hasura/derive-documents.ts'
import { exactTexts } from '../hasura/exact-numbers.ts'
import type { Position } from '../store/schema.ts'
import type { RemoteTable } from './remote-table.ts'
import { both, greatestFirst, orderBy, type ScanOrder, type Where } from './scan.ts'

/** How many rows a `where` has; undefined when the role may not aggregate. */
export async function countRows(table: RemoteTable, where: Where, signal: AbortSignal): Promise<number | undefined> {
  const { count } = table.derived
  if (!count) return undefined
  const data = await table.hasura.query(count.document, { where: both(table.where, where) }, { signal })
  const parsed = countAnswer.safeParse(data)
  return parsed.success ? parsed.data[count.field]?.aggregate?.count : undefined
}

const countAnswer = z.record(z.string(), z.object({ aggregate: z.object({ count: z.number() }).nullable() }))

/** The key of the row that has so many rows before it; undefined when there are fewer, or when that can't be asked. */
export async function findKeyAt(
  table: RemoteTable,
  offset: number,
  signal: AbortSignal,
): Promise<Position | undefined> {
  const { key, derived } = table
  if (!derived.keyAt) return undefined
  const variables = { order_by: orderBy(key), offset }
  return (await askForRow(table, derived.keyAt, variables, key.columns, signal)).values
}

/** The greatest cursor of all, if there are any rows, and the API's own time when it said so. */
export async function findGreatestCursor(
  table: RemoteTable,
  order: ScanOrder,
  signal: AbortSignal,
): Promise<{ readonly greatest: string | undefined; readonly serverDate: number | undefined }> {
  const variables = { order_by: greatestFirst(order) }
  const { values, serverDate } = await askForRow(table, table.derived.keys, variables, order.columns, signal)
  return { greatest: values?.[0], serverDate }
}

async function askForRow(
  { hasura, where, rootField }: RemoteTable,
  document: UntypedDocument,
  variables: Record<string, unknown>,
  columns: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly values: readonly string[] | undefined; readonly serverDate: number | undefined }> {
  const { last, serverDate } = await hasura.queryRows(document, { ...variables, where, limit: 1 }, rootField, {
    signal,
  })
  return { values: last === undefined ? undefined : exactTexts(last, columns), serverDate }
}
