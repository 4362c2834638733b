import { UsageError } from '../errors.ts'
import type { RootField } from './root-field.ts'

export interface Key {
  readonly columns: readonly string[]
  /** Those that the API calls nullable, as it does with every column of a view, and whoever gave the key does not. */
  readonly asserted: readonly string[]
}

/**
 * The columns that tell a row from all others: those that were asked for, or the primary key's.
 *
 * @throws UsageError naming the flag, when there is none or it can't be one
 */
export function chooseKey(root: RootField, asked: readonly string[] | undefined): Key {
  const columns = asked ?? root.primaryKey
  if (!columns) {
    const candidates = root.columns.filter(({ name, nullable }) => !nullable && root.ordered.has(name))
    const advice = candidates.length > 0 ? ` (never null: ${candidates.map(({ name }) => name).join(', ')})` : ''
    throw new UsageError({
      found: `"${root.name}" has no primary key that this role sees, as a view has none`,
      remedy: `give the columns that tell a row from all others with --key, separated by commas${advice}`,
    })
  }
  for (const name of columns) requireColumn(root, name)
  const nullable = root.columns
    .filter(column => column.nullable && columns.includes(column.name))
    .map(({ name }) => name)
  if (nullable.length > 0 && root.primaryKey) {
    throw new UsageError({
      found: `${nullable.join(', ')} of "${root.name}" can be null, so rows would be without a key`,
      remedy: `leave --key out for the primary key (${root.primaryKey.join(', ')}), or give columns that are never null`,
    })
  }
  return { columns: [...new Set(columns)], asserted: nullable }
}

function requireColumn(root: RootField, name: string): void {
  const column = root.columns.find(candidate => candidate.name === name)
  if (!column) {
    throw new UsageError({
      found: `"${root.name}" has no column "${name}" for a key`,
      remedy: `it has ${root.columns.map(other => other.name).join(', ')}`,
    })
  }
  if (column.mirrorName !== name) {
    throw new UsageError({
      found: `"${name}" of "${root.name}" begins with an underscore, which the mirror keeps for its own columns`,
      remedy: 'give it another name in Hasura, or other columns with --key',
    })
  }
  if (['json', 'jsonb'].includes(column.mirrorType) || !root.ordered.has(name)) {
    throw new UsageError({
      found: `"${name}" of "${root.name}" is ${column.type}, by which rows can't be ordered`,
      remedy: 'give other columns with --key',
    })
  }
}
