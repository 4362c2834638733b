import pg from 'pg'
import { isError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { describeNetworkFailure, type NetworkFailure, trustRemedy } from '../failures/network-failure.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import { findMeaning, findPrimary } from './postgres-words.ts'

/** How sentences call the server of a URL: by its host and port, or by the folder of its socket. */
export function namePostgres(databaseUrl: string): string {
  const { host, searchParams } = new URL(databaseUrl)
  return `Postgres at ${searchParams.get('host') ?? host}`
}

/** Why a Postgres can't be used. */
export interface PostgresFailure extends Explanation {
  /** The SQLSTATE, or the system's code. */
  readonly code: string
  /** Waiting doesn't help: DATABASE_URL, or the server's own configuration, has to change. */
  readonly isConfiguration: boolean
}

/**
 * What it means that Postgres, or a pooler in front of it, doesn't let us in or doesn't do what was asked: the SQLSTATE decides
 * (PostgreSQL documentation, appendix A), and where several things have one, the words.
 *
 * Only words are repeated that name a user, a database, a table, a setting or a file of the server; none of these holds a value of a
 * row.
 *
 * @param what how the sentence calls the server
 */
export function explainPostgresFailure(error: unknown, what: string): PostgresFailure {
  if (isUnreadableFile(error)) return explainFile(error)
  const code = error instanceof pg.DatabaseError ? error.code : sqlStateOf(error)
  const said = isError(error) ? quoteForeign(error.message) : ''
  const meaning = findMeaning(code, said)
  if (meaning) {
    const { found, remedy, isConfiguration = false, isQuoted = false } = meaning
    const reason = [code, isQuoted && said].filter(part => part).join(': ')
    return {
      code: code ?? 'no-answer',
      found: reason === '' ? `${what} ${found}` : `${what} ${found} (${reason})`,
      remedy,
      isConfiguration,
    }
  }
  if (code !== undefined && isAboutSession(error)) {
    return {
      code,
      found: `${what} refused the connection (${code}: ${said})`,
      remedy: 'correct DATABASE_URL, or look at the log of the server or of the pooler in front of it',
      isConfiguration: false,
    }
  }
  if (code !== undefined) {
    return {
      code,
      found: `${what} refused what it was asked (${code})`,
      remedy: 'look at its log',
      isConfiguration: false,
    }
  }
  const failure = describeNetworkFailure(error)
  if (failure.code?.startsWith('ERR_OSSL_')) return { ...unusableFiles(failure.code), isConfiguration: true }
  return {
    code: failure.code ?? 'no-answer',
    found: `${what} can't be reached, ${failure.words}`,
    remedy: findRemedy(failure),
    isConfiguration: false,
  }
}

function findRemedy({ code, remedy = checkAddress }: NetworkFailure): string {
  if (remedy.endsWith(trustRemedy)) return trustInUrl
  const more = code && furtherRemedies[code]
  return more ? `${remedy}; ${more}` : remedy
}

/** What is told of a standby, and of a primary that takes no writes. */
export function readOnly(what: string): Explanation {
  return {
    found: `${what} is read-only (25006)`,
    remedy: findPrimary,
  }
}

interface FileError extends Error {
  readonly code: string
  readonly path: string
}

/** node-postgres reads the files that a URL names when it parses the URL. */
function isUnreadableFile(error: unknown): error is FileError {
  return isError(error) && 'syscall' in error && 'path' in error && 'code' in error && typeof error.path === 'string'
}

function explainFile({ code, path }: FileError): PostgresFailure {
  return {
    code,
    found: `DATABASE_URL names the file ${path}, which can't be read (${code})`,
    remedy: 'correct its sslrootcert, sslcert or sslkey, or let this process read the file',
    isConfiguration: true,
  }
}

/** Codes of OpenSSL's own library, not of a handshake. */
function unusableFiles(code: string): Omit<PostgresFailure, 'isConfiguration'> {
  return {
    code,
    found: `DATABASE_URL names a certificate or a key that can't be used (${code})`,
    remedy: 'let sslcert and sslkey name PEM files of one client certificate, whose key needs no passphrase',
  }
}

const checkAddress = 'check that it runs and that DATABASE_URL names it'

const trustInUrl =
  'let sslrootcert=FILE in DATABASE_URL name a PEM file with the certificate of the authority that has signed it, or name that file in NODE_EXTRA_CA_CERTS'

/** For servers of providers. */
const furtherRemedies: Readonly<Record<string, string>> = {
  ENETUNREACH: 'at Supabase, that of its session pooler',
  // Certificates of Cloud SQL name its instance.
  ERR_TLS_CERT_ALTNAME_INVALID:
    'where neither can be had, as at Cloud SQL, let DATABASE_URL end in ?uselibpqcompat=true&sslmode=verify-ca&sslrootcert=FILE, so that only its authority is checked',
}

/**
 * What ends a session, or refuses it, quotes no row: its words are about the user, the database, the server or a setting. Nor does a
 * pooler, or a provider's proxy, which sees no rows and, unlike Postgres, names no routine.
 */
function isAboutSession(error: unknown): boolean {
  if (error instanceof pg.DatabaseError && error.routine === undefined) return true
  return isError(error) && 'severity' in error && (error.severity === 'FATAL' || error.severity === 'PANIC')
}
