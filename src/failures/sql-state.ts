import { z } from 'zod'
import { errorCodeOf } from '../errors.ts'

/** @returns the meaning of a SQLSTATE (PostgreSQL documentation, appendix A), or undefined for one without a sentence of its own */
export function explainSqlState(code: string): string | undefined {
  if (!isSqlState.test(code)) return undefined
  return meanings[code] ?? meanings[code.slice(0, 2)] ?? 'it refused a statement'
}

const meanings: Readonly<Record<string, string>> = {
  '08': 'the connection was lost',
  '21': 'two rows of one page have the same key, so the key is not unique',
  '22': 'a value does not fit its column',
  '23': 'a row breaks a constraint of the table',
  '25P03': 'a transaction was idle for too long and was ended',
  '28': 'it refused the login',
  '40': 'two transactions conflicted',
  '42501': 'the user lacks a privilege',
  '42': 'a table or column is missing or has another definition',
  P0: 'a trigger or a function in it raised an error',
  '53': 'it is out of disk space, memory or connections',
  '55000':
    'an object is not in the state that the statement needs, such as a published table without primary key and replica identity',
  '55P03': 'waiting for a lock timed out',
  '57014': 'a statement took too long, or somebody cancelled it',
  '57': 'it is shutting down or starting',
  '58': 'its machine reports an error',
}

/** The SQLSTATE of an error of either driver; undefined for any other error. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = errorCodeOf(error)
  return code !== undefined && isSqlState.test(code) ? code : undefined
}

/** No class begins with E, unlike system codes such as EPIPE. */
const isSqlState = /^[0-9FHPX][0-9A-Z]{4}$/

/**
 * Whether an error isn't the statement's fault: Postgres ended the connection (a shutdown, a broken connection, an idle transaction),
 * cancelled the statement, is out of resources or ids, can't use its files, has become a standby, another transaction conflicted, a
 * pooler has moved the connection to another session (26000, 42P05), or a migration has changed what a prepared statement returns.
 */
export function isPassingError(error: unknown): boolean {
  const code = sqlStateOf(error)
  if (code === undefined) return false
  const isOfServer = reportedByServer.get(code)?.safeParse(error).success ?? false
  return isOfServer || /^(57|58|08|53|40|25P03|25006|26000|42P05|55P03)/.test(code)
}

/**
 * Used-up ids have the SQLSTATE of a row that is too wide, a disk that is read-only that of a missing privilege, and a prepared
 * statement that of a missing feature. Where Postgres' source reports them is the same in every language.
 */
const reportedByServer: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ['0A000', z.object({ file: z.literal('plancache.c'), routine: z.string() })],
  ['54000', z.object({ file: z.string(), routine: z.string().regex(/^GetNew(?:Transaction|MultiXact)Id$/) })],
  ['42501', z.object({ file: z.string().regex(/^(?:md|fd|buffile|slru)\.c$/), routine: z.string() })],
])
