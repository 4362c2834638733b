import { setImmediate as nextTurn } from 'node:timers/promises'
import { PermanentError, TransientError } from '../../errors.ts'
import type { UntypedDocument } from '../../hasura/derive-documents.ts'
import { type Rows, textsAt } from '../../hasura/rows.ts'
import { CycleCheck } from '../../outgoing/cycle-check.ts'
import type { Position } from '../../store/schema.ts'
import { isSame, requireProgress, samePage } from './check-progress.ts'
import { nextPageSize } from './page-size.ts'
import type { RemoteTable } from './remote-table.ts'
import { createRowLimit, type RowLimit } from './row-limit.ts'
import { allOf, between, orderBy, type ScanOrder, type Where } from './scan.ts'

export interface Page {
  readonly rows: Rows
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
  /** The row at which the read ends, where there is one; it may come nearer meanwhile. */
  end?(): Position | undefined
  /** Of the whole that this is a part of; default one of its own. */
  readonly limit?: RowLimit
}

/** A page of one row may be as large as a row is. */
const largestPageBytes = 32 * 2 ** 20

/**
 * The pages of a read in its order. While the caller writes one, the next stands ready and the one behind it is fetched. Only an
 * empty page, or one that reaches `end`, ends the read: a role's row limit may be below the one asked for.
 *
 * @throws PermanentError (`response-shape`, `order`, `endless`) when the pages don't go on in the order, or would never end
 */
export async function* readPages(table: RemoteTable, read: Read, signal: AbortSignal): AsyncGenerator<Page> {
  const left = new AbortController()
  const abort = AbortSignal.any([signal, left.signal])
  let size = table.pageSize
  // What failed once is come back to slowly, since the failure may have been nobody's fault; what was too large is not.
  let top = table.pageSize
  let most = top
  const ends = new CycleCheck()
  const limit = read.limit ?? createRowLimit(table, allOf(read.where, between(read.order, read.position, undefined)))
  const fetch = async (position: Position | undefined): Promise<FetchedPage | undefined> => {
    for (;;) {
      const asked = size
      const startedAt = table.clock.now()
      try {
        const page = await fetchPage(table, { ...read, position }, asked, abort)
        if (!page) return undefined
        const ms = table.clock.now() - startedAt
        if (ends.meets(JSON.stringify(page.next))) throw samePage(table.place)
        await limit.add(page.rows.count, abort)
        most = Math.min(top, most + Math.ceil(most / 8))
        size = nextPageSize(asked, { rows: page.rows.count, bytes: page.length, ms }, most)
        return page
      } catch (error) {
        if (asked === 1 || !mayBeTooMuch(error)) throw error
        if (isTooLarge(error)) top = Math.ceil(asked / 2)
        most = Math.ceil(asked / 2)
        size = Math.ceil(asked / 10)
      }
    }
  }
  const fetchBehind = (page: Promise<FetchedPage | undefined>): Promise<FetchedPage | undefined> => {
    const following = page.then(fetched =>
      fetched && !isAt(fetched.next, read.end?.()) ? fetch(fetched.next) : undefined,
    )
    // Its failure is met when it is awaited, after the pages before it have been written.
    following.catch(() => {})
    return following
  }
  // A short page is taken for the last one until a role's row limit turns out to be the reason.
  let shortMeansLast = true
  try {
    let coming = fetch(read.position)
    let following = fetchBehind(coming)
    for (;;) {
      const page = await coming
      if (!page) return
      if (isAt(page.next, read.end?.())) {
        yield { ...page, isLast: true }
        return
      }
      coming = following
      following = fetchBehind(coming)
      await requestIsSent()
      if (page.rows.count < page.asked && shortMeansLast) {
        try {
          shortMeansLast = (await coming) === undefined
        } catch (error) {
          // What has come is kept, whatever became of the next one.
          yield { ...page, isLast: false }
          throw error
        }
        yield { ...page, isLast: shortMeansLast }
      } else {
        yield { ...page, isLast: false }
      }
    }
  } finally {
    left.abort(new DOMException('the page is not wanted any more', 'AbortError'))
  }
}

/**
 * `fetch` writes to its socket two turns of the event loop after it was called. Who writes a page takes some milliseconds to make
 * it ready, in which the API might be at work on the next one already.
 */
async function requestIsSent(): Promise<void> {
  await nextTurn()
  await nextTurn()
}

function isAt(position: Position, other: Position | undefined): boolean {
  return other !== undefined && isSame(position, other)
}

type FetchedPage = Omit<Page, 'isLast'> & { readonly length: number }

async function fetchPage(
  { hasura, place, where }: RemoteTable,
  { document, order, where: wanted, position, end }: Read,
  asked: number,
  signal: AbortSignal,
): Promise<FetchedPage | undefined> {
  const variables = {
    where: allOf(where, wanted, between(order, position, end?.())),
    order_by: orderBy(order),
    limit: asked,
  }
  const options = { signal, ...(asked > 1 && { maxBytes: largestPageBytes, givesUpOn: mayBeTooMuch }) }
  const { serverDate, length, ...rows } = await hasura.queryRows(document, variables, place, options)
  if (rows.count === 0) return undefined
  const next = textsAt(rows, rows.count - 1, order.columns)
  requireProgress(place, order, position, rows, next)
  return { rows, length, next, serverDate, asked }
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
