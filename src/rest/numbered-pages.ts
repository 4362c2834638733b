import { z } from 'zod'
import type { Query } from './api-url.ts'
import { PageCheck, requirePage } from './page-check.ts'
import type { RestApi } from './rest-api.ts'

export interface NumberedPage<T> {
  readonly items: readonly T[]
  /** The number of the next page. Store it together with what was made of the items. */
  readonly next: number
}

export interface NumberedPagesRequest<T> {
  readonly path: string
  /** The schema of one item. */
  readonly item: z.ZodType<T>
  /** Sent with each page. */
  readonly query?: Query
  /** Items per page; default 100. It must stay the same for the whole list, because page numbers depend on it. */
  readonly perPage?: number
  /** The `next` of an earlier page; default 1. */
  readonly from?: number
  readonly signal: AbortSignal
}

/**
 * The pages of a list that Persium answers as `{ data }`, by `page` and `per_page` (docs.persium.co.uk/quickstart). Only an empty
 * page is the end, because the API may return fewer items than requested.
 *
 * @throws what `RestApi.get` throws, PermanentError (`page-size`) if the API ignores `per_page`, (`endless`) if the pages never
 * end
 * @example
 * import { numberedPages, type Session } from 'hasura-sync-worker'
 * import { z } from 'zod'
 *
 * const item = z.object({ id: z.string() })
 *
 * export async function countOrders({ api }: Session, signal: AbortSignal): Promise<number> {
 *   let count = 0
 *   for await (const { items } of numberedPages(api, { path: '/orders', item, signal })) count += items.length
 *   return count
 * }
 */
export async function* numberedPages<T>(
  api: RestApi,
  request: NumberedPagesRequest<T>,
): AsyncGenerator<NumberedPage<T>> {
  const { path, item, query, perPage = 100, from = 1, signal } = request
  const schema = z.object({ data: new PageCheck(path).list(item) }).optional()
  for (let page = from; ; page += 1) {
    // Some APIs answer 204 instead of an empty list.
    const { data } = (await api.get(path, { schema, query: { ...query, page, per_page: perPage }, signal })) ?? {}
    if (!data?.length) return
    requirePage(path, data, perPage)
    yield { items: data, next: page + 1 }
  }
}
