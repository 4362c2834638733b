import { z } from 'zod'
import { OutageError, PermanentError, TransientError } from '../../errors.ts'
import type { UntypedDocument } from '../../hasura/derive-documents.ts'
import type { RequestOptions } from '../../hasura/hasura-client.ts'
import { textsAt, valueAt } from '../../hasura/rows.ts'
import type { Position } from '../../store/schema.ts'
import type { RemoteTable } from './remote-table.ts'
import { allOf, between, greatestFirst, orderBy, type ScanOrder, type Where } from './scan.ts'

/** How many rows a `where` matches; undefined if the role may not aggregate. */
export async function countRows(table: RemoteTable, where: Where, signal: AbortSignal): Promise<number | undefined> {
  const { count } = table.derived
  if (!count) return undefined
  const asked = table.hasura.query(count.document, { where: allOf(table.where, where) }, { signal, ...onlyOnce })
  const data = await unlessItFails(asked)
  const parsed = countAnswer.safeParse(valueAt(data, count.place))
  return parsed.success ? parsed.data.aggregate?.count : undefined
}

const countAnswer = z.object({ aggregate: z.object({ count: z.number() }).nullable() })

/** The key of a row between two, a given number of rows ahead; undefined if there is none, or if the API can't tell. */
export async function findKeyAt(
  table: RemoteTable,
  { behind, upTo }: { readonly behind: Position | undefined; readonly upTo: Position | undefined },
  offset: number,
  signal: AbortSignal,
): Promise<Position | undefined> {
  const { key, derived } = table
  if (!derived.keyAt) return undefined
  const variables = { where: between(key, behind, upTo), order_by: orderBy(key), offset }
  const found = await unlessItFails(askForRow(table, derived.keyAt, variables, key.columns, signal, onlyOnce))
  return found?.values
}

/** Optional queries: one try, short timeout. */
const onlyOnce: RequestOptions = { timeoutMs: 10_000, givesUpOn: () => true }

async function unlessItFails<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof OutageError || !(error instanceof PermanentError || error instanceof TransientError))
      throw error
    return undefined
  }
}

/** The greatest cursor of all these rows, if there are any, and the API's own time if it sent one. */
export async function findGreatestCursor(
  table: RemoteTable,
  order: ScanOrder,
  where: Where,
  signal: AbortSignal,
): Promise<{ readonly greatest: string | undefined; readonly serverDate: number | undefined }> {
  const ask = (nulls: 'first' | 'last') =>
    askForRow(table, table.derived.keys, { where, order_by: greatestFirst(order, nulls) }, order.columns, signal)
  const { values, serverDate } = await ask('first').catch(error => {
    // A cursor is never null, unless its column has changed since the schema was pulled.
    if (error instanceof PermanentError && error.code === 'null-in-order') return ask('last')
    throw error
  })
  return { greatest: values?.[0], serverDate }
}

async function askForRow(
  { hasura, where, place }: RemoteTable,
  document: UntypedDocument,
  variables: Record<string, unknown> & { readonly where?: Where },
  columns: readonly string[],
  signal: AbortSignal,
  options: RequestOptions = {},
): Promise<{ readonly values: readonly string[] | undefined; readonly serverDate: number | undefined }> {
  const asked = { ...variables, where: allOf(where, variables.where), limit: 1 }
  const { serverDate, ...rows } = await hasura.queryRows(document, asked, place, { ...options, signal })
  return { values: rows.count === 0 ? undefined : textsAt(rows, 0, columns), serverDate }
}
