import { z } from 'zod'
import type { RestReply } from '../rest/rest-server.ts'
import { problem } from './problem.ts'

const cursorSchema = z.object({ after: z.string(), list: z.string() })

/**
 * One page of a list that is ordered by id (docs.eunifyer.com/developer/guides/pagination): 20 items by default, at most 100.
 *
 * @param list names the list with its filters: a cursor of another one is refused
 */
export function cursorPage<T extends { readonly id: string }>(
  items: readonly T[],
  query: URLSearchParams,
  list: string,
): RestReply {
  const limit = query.has('limit') ? Number(query.get('limit')) : 20
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) return invalid('limit', 'must be between 1 and 100')
  const cursor = query.get('cursor')
  const after = cursor === null ? '' : decodeCursor(cursor, list)
  if (after === undefined) return invalid('cursor', 'is not a cursor of this list')
  const left = items.filter(({ id }) => id > after).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const page = left.slice(0, limit)
  const last = page.at(-1)
  const hasMore = left.length > page.length
  return {
    status: 200,
    body: {
      items: page,
      next_cursor: hasMore && last ? encodeCursor({ after: last.id, list }) : null,
      has_more: hasMore,
      limit,
    },
  }
}

export function invalid(field: string, message: string): RestReply {
  return problem('validation_error', 'Request failed validation', { errors: [{ field, message }] })
}

function encodeCursor(cursor: z.infer<typeof cursorSchema>): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url')
}

function decodeCursor(text: string, list: string): string | undefined {
  try {
    const cursor = cursorSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    return cursor.list === list ? cursor.after : undefined
  } catch {
    return undefined
  }
}
