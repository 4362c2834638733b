import { z } from 'zod'
import type { Explanation } from '../explanation.ts'
import type { SelectedColumn } from '../hasura/read-selection.ts'
import type { PullSettings } from './pull-settings.ts'
import type { Where } from './remote/scan.ts'

/**
 * Key and cursor columns that can be null for the role of a pull. The types don't show it: codegen calls a column non-null if it is so for
 * any role, and a schema may have changed since. A filter that is computed per account isn't known here.
 */
export function findNullRisk(
  { key, cursor, role, fixedWhere }: PullSettings,
  columns: readonly SelectedColumn[],
): Explanation | undefined {
  if (!fixedWhere) return undefined
  const nullable = columns.filter(
    ({ name, field, nullable }) =>
      nullable && (key.includes(name) || name === cursor) && !excludesNull(fixedWhere, field),
  )
  if (nullable.length === 0) return undefined
  const names = nullable.map(({ name }) => `"${name}"`).join(', ')
  return {
    found: `role "${role}" may see null in ${names} of its key and cursor: runs miss such rows, or fail at them`,
    remedy: 'choose columns that are never null, or exclude such rows with withoutNulls',
  }
}

function excludesNull(where: Where, field: string): boolean {
  if (isNotNull.safeParse(where[field]).success) return true
  const { data: all = [] } = wheres.safeParse(where._and)
  return all.some(each => excludesNull(each, field))
}

const isNotNull = z.union([z.object({ _is_null: z.literal(false) }), z.object({ _isNull: z.literal(false) })])
const wheres = z.array(z.record(z.string(), z.unknown()))
