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
  /** After the last row. */
  readonly next: Position
  /** The API's own time of the response, in milliseconds; undefined if it sent none. */
  readonly serverDate: number | undefined
  /** How many rows were requested. */
  readonly asked: number
  /** It is known that no page follows. */
  readonly isLast: boolean
}

export interface Read {
  /** `rows` or `keys` of the table. */
  readonly document: UntypedDocument
  readonly order: ScanOrder
  readonly where: Where
  /** The read continues after it. */
  readonly position?: Position | undefined
  /** The row at which the read ends, if there is one; it may move closer meanwhile. */
  end?(): Position | undefined
  /** The longest page that the role's row limit has allowed before: a shorter one is taken as the last. Default: none is. */
  readonly longest?: number | undefined
  /** The limit of the whole read that this is a part of; default: one of its own. */
  readonly limit?: RowLimit
}

/** A page of one row may be as large as a row can be. */
const largestPageBytes = 32 * 2 ** 20

/**
 * The pages of a read, in order. While the caller writes one, the next is ready and the one after it is being fetched. Only an
 * empty page, one that reaches `end`, or one that is shorter than `longest` ends the read: a role's row limit may be below the
 * requested one.
 *
 * @throws PermanentError (`response-shape`, `order`, `endless`) if the pages aren't in order, or would never end
 */
export async function* readPages(table: RemoteTable, read: Read, signal: AbortSignal): AsyncGenerator<Page> {
  const left = new AbortController()
  const abort = AbortSignal.any([signal, left.signal])
  let size = table.pageSize
  // After a failure the size grows again slowly, because the failure may have had another cause; a size that was too large isn't
  // tried again.
  let top = table.pageSize
  let most = top
  const ends = new CycleCheck()
  const limit = read.limit ?? createRowLimit(table, allOf(read.where, between(read.order, read.position, undefined)))
  const fetch = async (position: Position | undefined): Promise<FetchedPage | undefined> => {
    for (;;) {
      const asked = size
      const startedAt = table.clock.elapsed()
      try {
        const page = await fetchPage(table, { ...read, position }, asked, abort, error =>
          mayBeTooMuch(error, table.clock.elapsed() - startedAt),
        )
        if (!page) return undefined
        const ms = table.clock.elapsed() - startedAt
        if (ends.meets(JSON.stringify(page.next))) throw samePage(table.place)
        await limit.add(page.rows.count, abort)
        most = Math.min(top, most + Math.ceil(most / 8))
        size = nextPageSize(asked, { rows: page.rows.count, bytes: page.length, ms }, most)
        return page
      } catch (error) {
        if (asked === 1 || !mayBeTooMuch(error, table.clock.elapsed() - startedAt)) throw error
        if (isTooLarge(error)) top = Math.ceil(asked / 2)
        most = Math.ceil(asked / 2)
        size = Math.ceil(asked / 10)
      }
    }
  }
  const isLast = ({ rows, asked, next }: FetchedPage): boolean =>
    isAt(next, read.end?.()) || rows.count < Math.min(read.longest ?? 0, asked)
  const fetchBehind = (page: Promise<FetchedPage | undefined>): Promise<FetchedPage | undefined> => {
    const following = page.then(fetched => (fetched && !isLast(fetched) ? fetch(fetched.next) : undefined))
    // Its failure is handled when it is awaited, after the earlier pages have been written.
    following.catch(() => {})
    return following
  }
  // A short page counts as the last one until a role's row limit turns out to be the reason.
  let shortMeansLast = true
  try {
    let coming = fetch(read.position)
    let following = fetchBehind(coming)
    for (;;) {
      const page = await coming
      if (!page) return
      if (isLast(page)) {
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
          // Received pages are kept, whatever happens to the next one.
          yield { ...page, isLast: false }
          throw error
        }
        yield { ...page, isLast: shortMeansLast }
      } else {
        yield { ...page, isLast: false }
      }
    }
  } finally {
    left.abort(new DOMException('the page is no longer needed', 'AbortError'))
  }
}

/**
 * The longest page that the role's row limit has allowed, after another page of the read. A short page that isn't the last was cut.
 */
export function longestAfter(longest: number, { rows, asked, isLast }: Page): number {
  return rows.count < asked && !isLast ? rows.count : Math.max(longest, rows.count)
}

/**
 * `fetch` writes to its socket two turns of the event loop after the call. The caller's preparation of a page takes some milliseconds, in which the API could already work on the next one.
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
  givesUpOn: (error: TransientError) => boolean,
): Promise<FetchedPage | undefined> {
  const variables = {
    where: allOf(where, wanted, between(order, position, end?.())),
    order_by: orderBy(order),
    limit: asked,
  }
  const options = { signal, ...(asked > 1 && { maxBytes: largestPageBytes, givesUpOn }) }
  const { serverDate, length, ...rows } = await hasura.queryRows(document, variables, place, options)
  if (rows.count === 0) return undefined
  const next = textsAt(rows, rows.count - 1, order.columns)
  requireProgress(place, order, position, rows, next)
  return { rows, length, next, serverDate, asked }
}

/** Errors that fewer rows may avoid; all but the first may have other causes too. */
const reasonsForFewer: ReadonlySet<string> = new Set([
  'too-large',
  'timeout',
  'cut-off',
  'http-408',
  'http-500',
  'http-504',
  'time-limit-exceeded',
  'unexpected',
  'postgres-error',
  'mssql-error',
  'bigquery-error',
  'data-connector-error',
  'remote-schema-error',
])

/** The shortest limit that proxies have by default for an answer to begin is 15 seconds (a CDN then answers 503). */
const slowMs = 14_000

function isTooLarge(error: unknown): boolean {
  return error instanceof PermanentError && error.code === 'too-large'
}

function mayBeTooMuch(error: unknown, afterMs: number): boolean {
  if (!(error instanceof TransientError || error instanceof PermanentError)) return false
  return reasonsForFewer.has(error.code) || (afterMs >= slowMs && /^http-5\d\d$/.test(error.code))
}
