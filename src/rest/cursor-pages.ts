import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import type { Query } from './api-url.ts'
import type { RestApi } from './rest-api.ts'

export interface CursorPage<T> {
  readonly items: readonly T[]
  /** Where the page behind this one begins; undefined behind the last. To be kept with what was made of the items. */
  readonly next: string | undefined
}

export interface CursorPagesRequest<T> {
  readonly path: string
  /** Of one item. */
  readonly item: z.ZodType<T>
  /** Sent with each page. */
  readonly query?: Query
  /** Items asked for at once; default 100, the most that EUnifyer gives. */
  readonly limit?: number
  /** The `next` of an earlier page; default the beginning. */
  readonly from?: string | undefined
  readonly signal: AbortSignal
}

/**
 * The pages of a list that EUnifyer answers as `{ items, next_cursor, has_more, limit }`
 * (docs.eunifyer.com/developer/guides/pagination). A page may be empty; the list ends where `has_more` is false.
 *
 * @throws PermanentError (`cursor`) when the cursors would go on for ever, and what `RestApi.get` throws
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
  const schema = z.object({ items: z.array(item), next_cursor: z.string().nullish(), has_more: z.boolean() })
  const loop = new LoopCheck(path)
  let cursor = from
  for (;;) {
    const page = await api.get(path, { schema, query: { ...query, limit, cursor }, signal })
    if (!page.has_more) {
      yield { items: page.items, next: undefined }
      return
    }
    cursor = loop.accept(cursor, page.next_cursor ?? '')
    yield { items: page.items, next: cursor }
  }
}

/**
 * Finds a loop of any length in constant memory: a mark stays on one cursor while ever longer stretches are walked
 * (R. P. Brent, "An improved Monte Carlo factorization algorithm", 1980).
 */
class LoopCheck {
  readonly #path: string
  #mark: string | undefined
  #walked = 0
  #stretch = 1

  constructor(path: string) {
    this.#path = path
  }

  accept(before: string | undefined, cursor: string): string {
    if (cursor === '') {
      throw new PermanentError(
        'cursor',
        `GET ${this.#path} says that there is more, but not where, because it gave no next_cursor`,
      )
    }
    if (cursor === before || cursor === this.#mark) {
      throw new PermanentError(
        'cursor',
        `GET ${this.#path} gave the same next_cursor again, so that the list would never end`,
      )
    }
    this.#walked += 1
    if (this.#walked === this.#stretch) {
      this.#mark = cursor
      this.#walked = 0
      this.#stretch *= 2
    }
    return cursor
  }
}
