/** Postgres truncates names to this many bytes (PostgreSQL docs, 4.1.1 "Identifiers and Key Words"). */
const mostBytes = 63

/** Every table has these (PostgreSQL docs, 5.6 "System Columns"). */
const systemColumns: ReadonlySet<string> = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'])

/** Invisible characters, and those that separate or quote names. */
const oddCharacters = /[."\p{Cc}\p{Cf}]/u
const holdsOdd = 'contains a dot, a quote or an invisible character'

/** Why a column of the mirror can't have this name; undefined if it can. */
export function findColumnNameProblem(name: string): string | undefined {
  if (name.startsWith('_')) return "starts with an underscore, like the mirror's own columns"
  if (systemColumns.has(name)) return 'has the name of a Postgres system column'
  if (name === '') return 'is empty'
  if (oddCharacters.test(name)) return holdsOdd
  return Buffer.byteLength(name) > mostBytes ? `has a name longer than ${mostBytes} bytes` : undefined
}

/** Why a mirror table can't have this name; undefined if it can. */
export function findTableNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (oddCharacters.test(name)) return holdsOdd
  return Buffer.byteLength(name) > mostBytes ? `is longer than ${mostBytes} bytes` : undefined
}

/**
 * The name of an API's column in the mirror: the same, or a similar one that is free.
 *
 * @param name a GraphQL name, so ASCII only
 * @param taken names of other columns
 */
export function findFreeColumnName(name: string, taken: ReadonlySet<string>): string {
  if (findColumnNameProblem(name) === undefined) return name
  const wanted = name.startsWith('_') || systemColumns.has(name) ? `column${name.replace(/^(?!_)/, '_')}` : name
  return findFreeName(wanted, taken)
}

/** The name, truncated to the length that Postgres allows, if needed with the suffix `_2`, `_3`, … */
export function findFreeName(wanted: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count += 1) {
    const end = count === 1 ? '' : `_${count}`
    const name = `${wanted.slice(0, mostBytes - end.length)}${end}`
    if (!taken.has(name)) return name
  }
}
