import { z } from 'zod'
import { UsageError } from '../errors.ts'

/** The query of a paginated list. */
export const pageInput = {
  /** The cursor of the previous page's last item. */
  after: z.string().max(1_000).optional(),
  /** Maximum number of items; default: all. */
  limit: z.coerce.number<number>().int().min(1).max(1000).optional(),
}

/** The place of an item in its list, used as `after`. */
export function cursorOf(item: object, fields: readonly string[]): string {
  const values = new Map<string, unknown>(Object.entries(item))
  return fields.map(field => String(values.get(field) ?? '')).join('/')
}

/**
 * A page of a list that is small enough to be built as a whole.
 *
 * @param fields of its cursors
 * @throws UsageError if the item after which it starts is gone
 */
export function pageAfter<T extends object>(
  items: readonly T[],
  fields: readonly string[],
  { after, limit }: { readonly after?: string | undefined; readonly limit?: number | undefined },
): T[] {
  const last = after === undefined ? -1 : items.findIndex(item => cursorOf(item, fields) === after)
  if (after !== undefined && last === -1) throw unknownCursor()
  return items.slice(last + 1, limit === undefined ? undefined : last + 1 + limit)
}

/**
 * A cursor that is a number from the store.
 *
 * @throws UsageError
 */
export function parsePlace(after: string): string {
  if (!/^\d{1,18}$/.test(after)) throw unknownCursor()
  return after
}

function unknownCursor(): UsageError {
  return new UsageError({
    found: 'No item of the list has the cursor in "after"',
    remedy: 'start again with the first page',
  })
}
