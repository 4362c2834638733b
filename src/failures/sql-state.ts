/** What a SQLSTATE says, for a person (PostgreSQL documentation, appendix A); undefined for what nobody need tell apart. */
export function explainSqlState(code: string): string | undefined {
  // No class begins with E, as the system's own codes do (EPIPE, EPERM).
  if (!/^[0-9FHPX][0-9A-Z]{4}$/.test(code)) return undefined
  return meanings[code] ?? meanings[code.slice(0, 2)] ?? 'it refused a statement'
}

const meanings: Readonly<Record<string, string>> = {
  '08': 'the connection was lost',
  '21': 'two rows of one page have the same key, so the key does not tell rows apart',
  '22': 'a value does not fit its column',
  '23': 'a row breaks a constraint of the table',
  '25P03': 'a transaction stood still for too long and was ended',
  '28': 'it refused the login',
  '40': 'two transactions got in the way of each other',
  '42501': 'the user lacks a privilege',
  '42': 'a table or column is not what it should be',
  '53': 'it is out of disk space, memory or connections',
  '55P03': 'a lock was waited for in vain',
  '57014': 'a statement was cancelled',
  '57': 'it is shutting down or starting',
  '58': 'its machine reports an error',
}

/** The SQLSTATE that an error of either driver carries; undefined for an error of another kind. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/**
 * Not the statement's fault: Postgres ends the connection (a shutdown, a broken connection, a transaction that stood still),
 * cancels the statement, has no room left, has become a standby, or other transactions are in the way.
 */
export function isPassingSqlState(code: string | undefined): boolean {
  return code !== undefined && /^(57|08|53|40|25P03|25006|55P03)/.test(code)
}
