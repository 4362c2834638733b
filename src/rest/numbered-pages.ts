import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import type { Query } from './api-url.ts'
import { PageCheck } from './page-check.ts'
import type { RestApi } from './rest-api.ts'

export interface NumberedPage<T> {
  readonly items: readonly T[]
  /** The number of the page behind this one. To be kept with what was made of the items. */
  readonly next: number
}

export interface NumberedPagesRequest<T> {
  readonly path: string
  /** Of one item. */
  readonly item: z.ZodType<T>
  /** Sent with each page. */
  readonly query?: Query
  /** Items asked for at once; default 100. The same for the whole list, since a page's place depends on it. */
  readonly perPage?: number
  /** The `next` of an earlier page; default 1. */
  readonly from?: number
  readonly signal: AbortSignal
}

/**
 * The pages of a list that Persium answers as `{ data }` by `page` and `per_page` (docs.persium.co.uk/quickstart). Only an
 * empty page is the end, since the API may give less than was asked for.
 *
 * @throws what `RestApi.get` throws, PermanentError (`page-size`) when an API ignores `per_page`, (`endless`) when the pages
 *   never end
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
  const schema = z.object({ data: new PageCheck(path).list(item) })
  for (let page = from; ; page += 1) {
    const { data } = await api.get(path, { schema, query: { ...query, page, per_page: perPage }, signal })
    if (data.length === 0) return
    if (data.length > perPage) {
      throw new PermanentError(
        'page-size',
        `GET ${path} gave ${data.length} items where ${perPage} were asked for, so it has no pages`,
      )
    }
    yield { items: data, next: page + 1 }
  }
}
