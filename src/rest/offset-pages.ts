import type { z } from 'zod'
import { PermanentError } from '../errors.ts'
import type { Query } from './api-url.ts'
import { PageCheck } from './page-check.ts'
import type { RestApi } from './rest-api.ts'

export interface OffsetPage<T> {
  readonly items: readonly T[]
  /** How many items stand before the page behind this one. To be kept with what was made of the items. */
  readonly next: number
}

export interface OffsetPagesRequest<T> {
  readonly path: string
  /** Of one item. */
  readonly item: z.ZodType<T>
  /** Sent with each page. */
  readonly query?: Query
  /** Items asked for at once; default 100. */
  readonly max?: number
  /** The `next` of an earlier page; default 0. */
  readonly from?: number
  readonly signal: AbortSignal
}

/**
 * The pages of a list that Keycloak answers by `first` and `max`, its own Admin API or Phase Two's.
 *
 * Only an empty page is the end. A shorter one isn't: a server may have an upper limit below `max`, or leave out what the caller
 * may not see after it counted. The next page begins behind what was received and not behind what was asked for, because an
 * offset too small repeats an item and one too great loses one. So an item can come twice, and what is made of it has to bear
 * that. What no offset can find: an item that moves forward while the list is read, because one before it was deleted, and
 * those behind a page of which the caller may see nothing at all. The next complete read, or a role such as `view-users`
 * for everything, finds them.
 *
 * @throws what `RestApi.get` throws, PermanentError (`page-size`) when an API ignores `max`, (`endless`) when the pages never end
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
  const schema = new PageCheck(path).list(item)
  for (let first = from; ; ) {
    const items = await api.get(path, { schema, query: { ...query, first, max }, signal })
    if (items.length === 0) return
    // An API that doesn't know first and max gives the same whole list each time.
    if (items.length > max) {
      throw new PermanentError(
        'page-size',
        `GET ${path} gave ${items.length} items where ${max} were asked for, so it has no pages`,
      )
    }
    first += items.length
    yield { items, next: first }
  }
}
