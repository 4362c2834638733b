import { PermanentError, TransientError } from '../../errors.ts'
import type { UntypedDocument } from '../../hasura/derive-documents.ts'
import { exactTexts } from '../../hasura/exact-numbers.ts'
import type { Position } from '../../store/schema.ts'
import type { PageRows } from '../mirror/page-rows.ts'
import { nextPageSize } from './page-size.ts'
import type { RemoteTable } from './remote-table.ts'
import { allOf, behind, orderBy, type ScanOrder, type Where } from './scan.ts'

export interface Page {
  readonly rows: PageRows
  /** Behind the last row. */
  readonly next: Position
  /** The API's own time when it answered, in milliseconds; undefined when it doesn't say. */
  readonly serverDate: number | undefined
  /** How many rows were asked for. */
  readonly asked: number
  /** It is known that none follows. */
  readonly isLast: boolean
}

export interface Read {
  /** `rows` or `keys` of the table. */
  readonly document: UntypedDocument
  readonly order: ScanOrder
  readonly where: Where
  /** The read goes on behind it. */
  readonly position?: Position | undefined
}

/** A page of one row may be as large as a row is. */
const largestPageBytes = 32 * 2 ** 20

/**
 * The pages of a read in its order. The next one is fetched while the caller still writes this one, and only an empty page
 * ends the read: a role's row limit may be below the one asked for.
 */
export async function* readPages(table: RemoteTable, read: Read, signal: AbortSignal): AsyncGenerator<Page> {
  const left = new AbortController()
  const abort = AbortSignal.any([signal, left.signal])
  let size = table.pageSize
  // What failed once is come back to slowly, since the failure may have been nobody's fault; what was too large is not.
  let top = table.pageSize
  let most = top
  const fetch = async (position: Position | undefined): Promise<FetchedPage | undefined> => {
    for (;;) {
      const asked = size
      const startedAt = table.clock.now()
      try {
        const page = await fetchPage(table, { ...read, position }, asked, abort)
        if (!page) return undefined
        const ms = table.clock.now() - startedAt
        most = Math.min(top, most + Math.ceil(most / 8))
        const { count, text } = page.rows
        size = nextPageSize(asked, { rows: count, bytes: text.length, ms }, most)
        return page
      } catch (error) {
        if (asked === 1 || !mayBeTooMuch(error)) throw error
        if (isTooLarge(error)) top = Math.ceil(asked / 2)
        most = Math.ceil(asked / 2)
        size = Math.ceil(asked / 10)
      }
    }
  }
  // A short page is taken for the last one until a role's row limit turns out to be the reason.
  let shortMeansLast = true
  try {
    let page = await fetch(read.position)
    while (page) {
      const coming = fetch(page.next)
      // Its failure is met when it is awaited, after this page has been written.
      coming.catch(() => {})
      if (page.rows.count < page.asked && shortMeansLast) {
        let following: FetchedPage | undefined
        try {
          following = await coming
        } catch (error) {
          // What has come is kept, whatever became of the next one.
          yield { ...page, isLast: false }
          throw error
        }
        shortMeansLast = following === undefined
        yield { ...page, isLast: shortMeansLast }
        page = following
      } else {
        yield { ...page, isLast: false }
        page = await coming
      }
    }
  } finally {
    left.abort(new DOMException('the page is not wanted any more', 'AbortError'))
  }
}

type FetchedPage = Omit<Page, 'isLast'>

async function fetchPage(
  { hasura, rootField, where }: RemoteTable,
  { document, order, where: wanted, position }: Read,
  asked: number,
  signal: AbortSignal,
): Promise<FetchedPage | undefined> {
  const variables = {
    where: allOf(where, wanted, position && behind(order, position)),
    order_by: orderBy(order),
    limit: asked,
  }
  const options = { signal, ...(asked > 1 && { maxBytes: largestPageBytes, givesUpOn: mayBeTooMuch }) }
  const { text, count, last, serverDate } = await hasura.queryRows(document, variables, rootField, options)
  if (last === undefined) return undefined
  const next = exactTexts(last, order.columns)
  if (position && next.every((value, at) => value === position[at])) {
    throw new PermanentError(
      'response-shape',
      `The API gave the same page of "${rootField}" twice: something in front of it answers from a cache, or ignores "where"`,
    )
  }
  return { rows: { text, count }, next, serverDate, asked }
}

/** Fewer rows may come through where these were said; all but the first may have other reasons as well. */
const reasonsForFewer: ReadonlySet<string> = new Set([
  'too-large',
  'timeout',
  'http-408',
  'http-500',
  'http-504',
  'unexpected',
  'postgres-error',
])

function isTooLarge(error: unknown): boolean {
  return error instanceof PermanentError && error.code === 'too-large'
}

function mayBeTooMuch(error: unknown): boolean {
  return (error instanceof TransientError || error instanceof PermanentError) && reasonsForFewer.has(error.code)
}
