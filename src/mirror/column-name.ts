/** Postgres cuts names off behind this many bytes (PostgreSQL docs, 4.1.1 "Identifiers and Key Words"). */
const mostBytes = 63

/** Every table has these (PostgreSQL docs, 5.6 "System Columns"). */
const systemColumns: ReadonlySet<string> = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'])

/** What nobody sees in a name, and what stands between names. */
const oddCharacters = /[."\p{Cc}\p{Cf}]/u
const holdsOdd = "holds a dot, a quote or a character that can't be seen"

/** Why a column of the mirror can't have this name; undefined when it can. */
export function findColumnNameProblem(name: string): string | undefined {
  if (name.startsWith('_')) return "begins with an underscore, as the mirror's own columns do"
  if (systemColumns.has(name)) return 'has the name of a system column of Postgres'
  if (name === '') return 'is empty'
  if (oddCharacters.test(name)) return holdsOdd
  return Buffer.byteLength(name) > mostBytes ? `has a name of more than ${mostBytes} bytes` : undefined
}

/** Why a mirror table can't have this name; undefined when it can. */
export function findTableNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (oddCharacters.test(name)) return holdsOdd
  return Buffer.byteLength(name) > mostBytes ? `has more than ${mostBytes} bytes` : undefined
}

/**
 * The name of an API's column in the mirror: its own, or one like it that is free.
 *
 * @param name as GraphQL allows it, so of ASCII characters
 * @param taken by other columns
 */
export function findFreeColumnName(name: string, taken: ReadonlySet<string>): string {
  if (findColumnNameProblem(name) === undefined) return name
  const wanted = name.startsWith('_') || systemColumns.has(name) ? `column${name.replace(/^(?!_)/, '_')}` : name
  return findFreeName(wanted, taken)
}

/** The name, cut to what Postgres takes, or with `_2`, `_3`, … at its end. */
export function findFreeName(wanted: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count += 1) {
    const end = count === 1 ? '' : `_${count}`
    const name = `${wanted.slice(0, mostBytes - end.length)}${end}`
    if (!taken.has(name)) return name
  }
}
