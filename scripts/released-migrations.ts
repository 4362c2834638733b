import { createHash } from 'node:crypto'

/** The released migrations, as hashes; empty before the first release. */
export interface ReleasedMigrations {
  /** By the migration's name. */
  readonly migrations: Readonly<Record<string, string>>
  /** The functions of the last release, and the migration that brought them. */
  readonly functions?: { readonly hash: string; readonly by: string }
}

export type Migrations = ReadonlyMap<string, readonly string[]>

/** The migrations as a release pins them. Functions have no history: the last migration that names them executes their current text. */
export function pinMigrations(migrations: Migrations, functions: readonly string[]): ReleasedMigrations {
  const known = new Set(functions)
  const pinned = [...migrations].map(([name, statements]) => [name, hash(statements.filter(text => !known.has(text)))])
  const by = [...migrations].findLast(([, statements]) => statements.some(text => known.has(text)))?.[0]
  return {
    migrations: Object.fromEntries(pinned),
    ...(by !== undefined && { functions: { hash: hash(functions), by } }),
  }
}

/** Changes that databases of a release would never get, one sentence each. */
export function findUnreachable(
  released: ReleasedMigrations,
  migrations: Migrations,
  functions: readonly string[],
): readonly string[] {
  const now = pinMigrations(migrations, functions)
  const edited = Object.entries(released.migrations)
    .filter(([name, pinned]) => now.migrations[name] !== pinned)
    .map(
      ([name]) => `Migration ${name} was released and has changed since: restore it, and add a later migration instead`,
    )
  const before = released.functions
  if (!before || now.functions?.hash === before.hash || now.functions?.by !== before.by) return edited
  return [
    ...edited,
    `The functions have changed since migration ${before.by} was released: add a migration that executes replaceFunctions`,
  ]
}

function hash(statements: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(statements)).digest('hex')
}
