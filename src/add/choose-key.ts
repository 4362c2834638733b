import { UsageError } from '../errors.ts'
import type { RootField } from './root-field.ts'
import type { RowColumn } from './row-columns.ts'

export interface Key {
  readonly columns: readonly RowColumn[]
  /**
   * Columns that the API calls nullable, whose nulls are left out: those of a view, which --key asserts, and those of a primary key that an
   * inherited role doesn't see in every row.
   */
  readonly asserted: readonly RowColumn[]
  /** Whether the order is a guess: reading is faster in the order of the primary key's index, which the API doesn't show. */
  readonly isOrderGuessed: boolean
}

/**
 * Chooses the columns that identify a row: the requested ones, or the primary key.
 *
 * @throws UsageError that names the flag, when there is no key or it is unusable
 */
export function chooseKey(root: RootField, asked: readonly string[] | undefined): Key {
  const names = asked ?? root.primaryKey
  if (!names) {
    const candidates = root.columns.filter(({ nullable, problem }) => !nullable && problem.key === undefined)
    const advice = candidates.length > 0 ? ` (never null: ${candidates.map(({ name }) => name).join(', ')})` : ''
    throw new UsageError({
      found: `This role sees no primary key of "${root.name}"; a view has none`,
      remedy: `give the columns that identify a row with --key, separated by commas${advice}`,
    })
  }
  const columns = [...new Set(names)].map(name => findColumn(root, name))
  const asserted = columns.filter(({ nullable }) => nullable)
  if (asserted.length > 0 && root.primaryKey && !isSame(names, root.primaryKey)) {
    throw new UsageError({
      found: `${asserted.map(({ name }) => name).join(', ')} of "${root.name}" can be null, so rows could lack a key`,
      remedy: `omit --key to use the primary key (${root.primaryKey.join(', ')}), or give columns that are never null`,
    })
  }
  const isOrderGuessed = asked === undefined && columns.length > 1
  return { columns: isOrderGuessed ? guessOrder(columns) : columns, asserted, isOrderGuessed }
}

function isSame(names: readonly string[], others: readonly string[]): boolean {
  return names.every(name => others.includes(name)) && others.every(name => names.includes(name))
}

/**
 * Hasura lists a primary key's columns alphabetically, not in the index's order (`sortOn` of the arguments in
 * `Hasura.GraphQL.Schema.Introspect`). An index usually begins with the parent's id (`order_id, line_no`) and ends with a time.
 */
function guessOrder(columns: readonly RowColumn[]): readonly RowColumn[] {
  const rank = ({ name, comparedAs }: RowColumn): number => {
    if (/._id$|[a-z0-9]I[dD]$/.test(name)) return 0
    if (/^_?id$/i.test(name)) return 1
    return /^(?:timestamp|date)/.test(comparedAs) ? 3 : 2
  }
  return columns.toSorted((a, b) => rank(a) - rank(b))
}

function findColumn(root: RootField, name: string): RowColumn {
  const column = root.columns.find(candidate => candidate.name === name)
  if (!column) {
    throw new UsageError({
      found: `"${root.name}" has no column "${name}" for a key`,
      remedy: `choose among ${root.columns.map(other => other.name).join(', ')}`,
    })
  }
  if (column.problem.key !== undefined) {
    throw new UsageError({
      found: `"${name}" of "${root.name}" can't be a key column: ${column.problem.key}`,
      remedy:
        'give other columns that identify a row with --key, such as a unique id, or name a view that shows it as text',
    })
  }
  return column
}
