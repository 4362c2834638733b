import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { CycleCheck } from '../outgoing/cycle-check.ts'
import type { Query } from './api-url.ts'
import { PageCheck } from './page-check.ts'
import type { RestApi } from './rest-api.ts'

export interface CursorPage<T> {
  readonly items: readonly T[]
  /** Where the next page starts; undefined after the last page. Store it together with what was made of the items. */
  readonly next: string | undefined
}

export interface CursorPagesRequest<T> {
  readonly path: string
  /** The schema of one item. */
  readonly item: z.ZodType<T>
  /** Sent with each page. */
  readonly query?: Query
  /** Items per page; default 100, EUnifyer's maximum. */
  readonly limit?: number
  /** The `next` of an earlier page; default: the first page. */
  readonly from?: string | undefined
  readonly signal: AbortSignal
}

/**
 * The pages of a list that EUnifyer answers as `{ items, next_cursor, has_more, limit }`
 * (docs.eunifyer.com/developer/guides/pagination). A page may be empty; the list ends when `has_more` is false.
 *
 * @throws PermanentError (`cursor`, `endless`) if the pages would never end, and what `RestApi.get` throws
 * @example
 * import { cursorPages, type Session } from 'hasura-sync-worker'
 * import { z } from 'zod'
 *
 * const item = z.object({ id: z.string() })
 *
 * export async function countOrders({ api }: Session, signal: AbortSignal): Promise<number> {
 *   let count = 0
 *   for await (const { items } of cursorPages(api, { path: '/orders', item, signal })) count += items.length
 *   return count
 * }
 */
export async function* cursorPages<T>(api: RestApi, request: CursorPagesRequest<T>): AsyncGenerator<CursorPage<T>> {
  const { path, item, query, limit = 100, from, signal } = request
  const items = new PageCheck(path).list(item)
  const schema = z.object({ items, next_cursor: z.string().nullish(), has_more: z.boolean() }).optional()
  const cursors = new CycleCheck()
  let cursor = from
  for (;;) {
    // Some APIs answer 204 instead of an empty page.
    const page = (await api.get(path, { schema, query: { ...query, limit, cursor }, signal })) ?? {
      items: [],
      has_more: false,
    }
    if (!page.has_more) {
      yield { items: page.items, next: undefined }
      return
    }
    const next = page.next_cursor ?? ''
    if (next === '') {
      throw new PermanentError('cursor', {
        found: `GET ${path} says that there are more items, but returned no next_cursor`,
        remedy: 'check that the API still paginates with next_cursor',
      })
    }
    if (next === cursor || cursors.meets(next)) {
      throw new PermanentError('cursor', {
        found: `GET ${path} returned the same next_cursor again, so the list would never end`,
        remedy: 'check that no cache answers for the API',
      })
    }
    cursor = next
    yield { items: page.items, next: cursor }
  }
}
