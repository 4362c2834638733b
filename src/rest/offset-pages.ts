import type { z } from 'zod'
import type { Query } from './api-url.ts'
import { PageCheck, requirePage } from './page-check.ts'
import type { RestApi } from './rest-api.ts'

export interface OffsetPage<T> {
  readonly items: readonly T[]
  /** How many items precede the next page. Store it together with what was made of the items. */
  readonly next: number
}

export interface OffsetPagesRequest<T> {
  readonly path: string
  /** The schema of one item. */
  readonly item: z.ZodType<T>
  /** Sent with each page. */
  readonly query?: Query
  /** Items per page; default 100. */
  readonly max?: number
  /** The `next` of an earlier page; default 0. */
  readonly from?: number
  readonly signal: AbortSignal
}

/**
 * The pages of a list that Keycloak answers by `first` and `max`, from its own Admin API or Phase Two's.
 *
 * Only an empty page is the end. A shorter page isn't: a server may have a limit below `max`, or omit items that the caller may
 * not see after counting them. The next page starts after the items that were received, not after those requested: an offset that
 * is too small repeats an item, one that is too large loses one. So an item can appear twice, and processing it must be
 * idempotent. An offset misses two things: an item that moves forward because an earlier one was deleted during the read, and
 * items after a page of which the caller may see nothing. The next complete read, or a role such as `view-users`, finds them.
 *
 * @throws what `RestApi.get` throws, PermanentError (`page-size`) if the API ignores `max`, (`endless`) if the pages never end
 * @example
 * import { offsetPages, type Session } from 'hasura-sync-worker'
 * import { z } from 'zod'
 *
 * const item = z.object({ id: z.string() })
 *
 * export async function countOrders({ api }: Session, signal: AbortSignal): Promise<number> {
 *   let count = 0
 *   for await (const { items } of offsetPages(api, { path: '/orders', item, signal })) count += items.length
 *   return count
 * }
 */
export async function* offsetPages<T>(api: RestApi, request: OffsetPagesRequest<T>): AsyncGenerator<OffsetPage<T>> {
  const { path, item, query, max = 100, from = 0, signal } = request
  const schema = new PageCheck(path).list(item).optional()
  for (let first = from; ; ) {
    // Some APIs answer 204 instead of an empty list.
    const items = await api.get(path, { schema, query: { ...query, first, max }, signal })
    if (!items?.length) return
    requirePage(path, items, max)
    first += items.length
    yield { items, next: first }
  }
}
