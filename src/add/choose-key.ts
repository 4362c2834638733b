import { UsageError } from '../errors.ts'
import type { RootField } from './root-field.ts'
import type { RowColumn } from './row-columns.ts'

export interface Key {
  readonly columns: readonly RowColumn[]
  /** Those that the API calls nullable, as it does with every column of a view, and whoever gave the key does not. */
  readonly asserted: readonly RowColumn[]
  /** Their order is a guess: the index of the primary key may have another one, by which rows are read faster. */
  readonly isOrderGuessed: boolean
}

/**
 * The columns that tell a row from all others: those that were asked for, or the primary key's.
 *
 * @throws UsageError naming the flag, when there is none or it can't be one
 */
export function chooseKey(root: RootField, asked: readonly string[] | undefined): Key {
  const names = asked ?? root.primaryKey
  if (!names) {
    const candidates = root.columns.filter(({ nullable, problem }) => !nullable && problem.key === undefined)
    const advice = candidates.length > 0 ? ` (never null: ${candidates.map(({ name }) => name).join(', ')})` : ''
    throw new UsageError({
      found: `This role sees no primary key of "${root.name}", as a view has none`,
      remedy: `give the columns that tell a row from all others with --key, with commas between${advice}`,
    })
  }
  const columns = [...new Set(names)].map(name => findColumn(root, name))
  const asserted = columns.filter(({ nullable }) => nullable)
  if (asserted.length > 0 && root.primaryKey) {
    throw new UsageError({
      found: `${asserted.map(({ name }) => name).join(', ')} of "${root.name}" can be null, so rows would be without a key`,
      remedy: `leave --key out for the primary key (${root.primaryKey.join(', ')}), or give columns that are never null`,
    })
  }
  const isOrderGuessed = asked === undefined && columns.length > 1
  return { columns: isOrderGuessed ? guessOrder(columns) : columns, asserted, isOrderGuessed }
}

/**
 * Hasura tells a primary key's columns in the order of the alphabet, whatever its index has (`sortOn` of the arguments in
 * `Hasura.GraphQL.Schema.Introspect`). An index mostly begins with what a row belongs to (`order_id, line_no`), and ends with
 * a time.
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
      remedy: `give some of ${root.columns.map(other => other.name).join(', ')}`,
    })
  }
  if (column.problem.key !== undefined) {
    throw new UsageError({
      found: `"${name}" of "${root.name}" can't be a column of the key: ${column.problem.key}`,
      remedy: 'give other columns that tell a row from all others with --key, such as a unique id',
    })
  }
  return column
}
