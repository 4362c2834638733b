import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { exactTexts } from '../hasura/exact-numbers.ts'
import type { HasuraClient } from '../hasura/hasura-client.ts'
import type { Position } from '../store/schema.ts'
import { behind, orderBy, type ScanOrder, type Where } from './scan.ts'

/** The variables that a pull's document must take. */
export interface PageVariables {
  readonly where: Where
  readonly order_by: readonly object[]
  readonly limit: number
}

export interface PageQuery {
  readonly hasura: HasuraClient
  readonly document: TypedDocumentNode<unknown, Record<string, unknown>>
  readonly rootField: string
  readonly order: ScanOrder
  readonly pageSize: number
}

export interface Page {
  /** The response as it came. */
  readonly body: string
  readonly rows: number
  /** Behind the last row. */
  readonly next: Position
  /** The API's own time when it answered, in milliseconds; undefined when it doesn't say. */
  readonly serverDate: number | undefined
}

/**
 * The pages from a lower bound (none reads everything) or from a position, in the scan's order. The next one is fetched while
 * the caller still writes this one. Only an empty page ends the scan: a role's row limit may be below the one asked for.
 */
export async function* readPages(
  query: PageQuery,
  from: { readonly bound?: Where | undefined; readonly position?: Position | undefined },
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const left = new AbortController()
  const abort = AbortSignal.any([signal, left.signal])
  let coming = fetchPage(query, from.position ? behind(query.order, from.position) : (from.bound ?? {}), abort)
  try {
    for (;;) {
      const page = await coming
      if (!page) return
      coming = fetchPage(query, behind(query.order, page.next), abort)
      // Its failure is met when it is awaited, after this page has been written.
      coming.catch(() => {})
      yield page
    }
  } finally {
    left.abort(new DOMException('the page is not wanted any more', 'AbortError'))
  }
}

const rowSchema = z.record(z.string(), z.unknown())

async function fetchPage(query: PageQuery, where: Where, signal: AbortSignal): Promise<Page | undefined> {
  const { hasura, document, rootField, order, pageSize } = query
  const variables: PageVariables = { where, order_by: orderBy(order), limit: pageSize }
  const { text, data, serverDate } = await hasura.queryText(document, { ...variables }, { signal })
  const parsed = z.record(z.string(), z.array(z.unknown())).safeParse(data)
  const rows = parsed.success ? parsed.data[rootField] : undefined
  if (!rows) {
    throw new PermanentError('response-shape', `The answer has no list "${rootField}": pull needs one list of rows.`)
  }
  if (rows.length === 0) return undefined
  const last = rowSchema.parse(rows.at(-1))
  const [cursor, ...key] = exactTexts(text, rootField, last, rows.length - 1, [order.cursor, ...order.key])
  if (cursor === undefined) throw new TypeError('a row without a cursor')
  return { body: text, rows: rows.length, next: { cursor, key }, serverDate }
}
