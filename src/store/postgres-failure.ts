import pg from 'pg'
import type { Explanation } from '../errors.ts'
import { describeNetworkFailure, trustRemedy } from '../failures/network-failure.ts'
import { quoteForeign } from '../words/foreign-words.ts'

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
 * Only words are repeated that name a user, a database, a table or a setting; none of these holds a value of a row.
 *
 * @param what how the sentence calls the server
 */
export function explainPostgresFailure(error: unknown, what: string): PostgresFailure {
  if (isUnreadableFile(error)) return explainFile(error)
  const code = sqlStateIn(error)
  const said = error instanceof Error ? quoteForeign(error.message) : ''
  const meaning = code === undefined ? plainErrors.find(([words]) => words.test(said))?.[1] : findMeaning(code, said)
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
  if (code !== undefined && isFatal(error)) {
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
  return {
    code: failure.code ?? 'no-answer',
    found: `${what} can't be reached, ${failure.words}`,
    remedy: failure.remedy === trustRemedy ? trustInUrl : (failure.remedy ?? checkAddress),
    isConfiguration: false,
  }
}

/** What is told of a standby, and of a primary that takes no writes. */
export function readOnly(what: string): Explanation {
  return {
    found: `${what} is read-only (25006)`,
    remedy: findPrimary,
  }
}

const findPrimary =
  'name the primary in DATABASE_URL; if it is the primary, look why it takes no writes (default_transaction_read_only, a full disk)'

interface FileError extends Error {
  readonly code: string
  readonly path: string
}

/** node-postgres reads the files that a URL names when it parses the URL. */
function isUnreadableFile(error: unknown): error is FileError {
  return (
    error instanceof Error && 'syscall' in error && 'path' in error && 'code' in error && typeof error.path === 'string'
  )
}

function explainFile({ code, path }: FileError): PostgresFailure {
  return {
    code,
    found: `DATABASE_URL names the file ${path}, which can't be read (${code})`,
    remedy: 'correct its sslrootcert, sslcert or sslkey, or let this process read the file',
    isConfiguration: true,
  }
}

const checkAddress = 'check that it runs and that DATABASE_URL names it'

const trustInUrl =
  "add sslrootcert=FILE to DATABASE_URL, with the file that holds its authority's certificate, or name that file in NODE_EXTRA_CA_CERTS"

interface Meaning {
  /** Continues "Postgres at localhost:5432 …". */
  readonly found: string
  readonly remedy: string
  readonly isConfiguration?: true
  /** Its own words tell more than the code. */
  readonly isQuoted?: true
}

/** PGlite's errors and those of node-postgres carry it alike. */
function sqlStateIn(error: unknown): string | undefined {
  if (error instanceof pg.DatabaseError) return error.code
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  // No class begins with E, as the system's own codes do (EPIPE, EPERM).
  return typeof code === 'string' && /^[0-9FHPX][0-9A-Z]{4}$/.test(code) ? code : undefined
}

/** What ends a session, or refuses it, quotes no row: its words are about the user, the database, the server or a setting. */
function isFatal(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && (error.severity === 'FATAL' || error.severity === 'PANIC')
}

function findMeaning(code: string, said: string): Meaning | undefined {
  const bySentence = sentences.find(([state, words]) => code.startsWith(state) && words.test(said))?.[2]
  return bySentence ?? states.get(code) ?? states.get(code.slice(0, 2))
}

const allowInHba: Meaning = {
  found: 'has no rule that lets this machine in as this user',
  remedy: 'add a line to its pg_hba.conf and reload it, or name another user in DATABASE_URL',
  isConfiguration: true,
  isQuoted: true,
}

const noOptions: Meaning = {
  found: 'is behind a pooler that refuses a setting of DATABASE_URL',
  remedy: 'take it out of DATABASE_URL, or add it to ignore_startup_parameters of PgBouncer',
  isConfiguration: true,
  isQuoted: true,
}

const refusedLogin: Meaning = {
  found: 'refused the user or the password',
  remedy: 'check user and password in DATABASE_URL',
  isConfiguration: true,
}

const refusedWithoutTls: Meaning = {
  found: 'has no rule that lets this user in without TLS',
  remedy:
    'add sslmode=verify-full to DATABASE_URL, with sslrootcert=FILE for an authority of your own; if it refuses that too, add a line to its pg_hba.conf',
  isConfiguration: true,
  isQuoted: true,
}

const noDatabase: Meaning = {
  found: 'has no database of the name in DATABASE_URL',
  remedy: 'create it, or correct DATABASE_URL',
  isConfiguration: true,
}

const tooManyConnections: Meaning = {
  found: 'takes no more connections',
  remedy:
    'raise max_connections (of a pooler: max_client_conn or pool_size), or find out who holds so many; a worker needs up to 14',
  isQuoted: true,
}

/** Of Postgres before and since version 14, PgBouncer, RDS and Azure. */
const withoutTls = /no pg_hba\.conf entry.*(?:no encryption|SSL off)|(?:SSL|TLS) (?:connection )?(?:is )?required/i

/** Where one SQLSTATE stands for several things; the words are those of an English server, without them the state alone counts. */
const sentences: readonly (readonly [state: string, words: RegExp, meaning: Meaning])[] = [
  ['28000', withoutTls, refusedWithoutTls],
  ['28000', /pg_hba\.conf/, allowInHba],
  ['28000', /does not exist|not permitted to log in/, { ...refusedLogin, isQuoted: true }],
  ['08P01', /unsupported startup parameter/, noOptions],
  ['08P01', /no such database|database .* does not exist/, noDatabase],
  ['08P01', /no more connections|too many/, tooManyConnections],
  ['08P01', withoutTls, refusedWithoutTls],
  ['08P01', /auth|password|no such user/i, { ...refusedLogin, isQuoted: true }],
  [
    'XX000',
    /tenant(?: or |\/)user .*not found|no tenant identifier/i,
    {
      ...refusedLogin,
      remedy: 'write the user in DATABASE_URL as the pooler wants it: user.project for the shared one of Supabase',
      isQuoted: true,
    },
  ],
  ['XX000', /max ?client/i, tooManyConnections],
  [
    '57P03',
    /hot standby/i,
    { found: 'is a standby that answers no queries', remedy: 'name its primary in DATABASE_URL' },
  ],
]

const states: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['28', refusedLogin],
  ['3D', noDatabase],
  [
    '42501',
    {
      found: 'refused a privilege',
      remedy: 'grant it to the user of DATABASE_URL; "doctor" tells all that are missing',
      isConfiguration: true,
      isQuoted: true,
    },
  ],
  ['25006', { found: 'is read-only', remedy: findPrimary }],
  ['53100', { found: 'has no disk space left', remedy: 'make room on its disk; the worker resumes automatically' }],
  ['53200', { found: 'has no memory left', remedy: 'look at its log; the worker resumes automatically' }],
  ['53300', tooManyConnections],
  ['57P03', { found: 'is starting or shutting down', remedy: 'wait; the worker resumes automatically' }],
  ['57P01', { found: 'ended the connection', remedy: 'check that it runs; the worker resumes automatically' }],
  ['57P02', { found: 'ended the connection', remedy: 'check that it runs; the worker resumes automatically' }],
  [
    '08P01',
    {
      found: 'was answered for by a pooler that can not reach it',
      remedy: 'look at the log of the pooler (PgBouncer)',
      isQuoted: true,
    },
  ],
  ['08', { found: 'lost the connection', remedy: 'check that it runs; the worker resumes automatically' }],
])

/** What node-postgres says itself, without a code. */
const plainErrors: readonly (readonly [RegExp, Meaning])[] = [
  [
    /does not support SSL/,
    {
      found: 'speaks no TLS, which DATABASE_URL demands',
      remedy: 'switch ssl on there, or give sslmode=disable where nobody else is on the network between',
      isConfiguration: true,
    },
  ],
  [
    /client password must be a (?:non-empty )?string/,
    { ...refusedLogin, found: 'wants a password, and DATABASE_URL has none' },
  ],
  [
    /SASL: Only mechanism|Unknown authenticationOk message/,
    {
      found: 'wants a way to log in that this worker does not have',
      remedy: 'let its pg_hba.conf ask this user for scram-sha-256',
      isConfiguration: true,
    },
  ],
  [
    /error establishing an SSL connection/,
    {
      found: 'does not answer as a Postgres does',
      remedy: 'check host and port in DATABASE_URL',
      isConfiguration: true,
    },
  ],
  [
    /timeout expired|due to connection timeout/,
    { found: 'did not answer in time', remedy: 'check that it runs and that DATABASE_URL names it' },
  ],
  [
    /Connection terminated|Client has encountered a connection error|not queryable/,
    { found: 'ended the connection', remedy: 'check that it runs and that DATABASE_URL names it' },
  ],
]
