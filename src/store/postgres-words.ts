/** What Postgres, a pooler or node-postgres means by its SQLSTATE or its words. */
export interface Meaning {
  /** Continues "Postgres at localhost:5432 …". */
  readonly found: string
  readonly remedy: string
  readonly isConfiguration?: true
  /** Its own words tell more than the code. */
  readonly isQuoted?: true
}

/** @param code the SQLSTATE; undefined for what node-postgres says itself */
export function findMeaning(code: string | undefined, said: string): Meaning | undefined {
  if (code === undefined) return plainErrors.find(([words]) => words.test(said))?.[1]
  const bySentence = sentences.find(([state, words]) => code.startsWith(state) && words.test(said))?.[2]
  return bySentence ?? states.get(code) ?? states.get(code.slice(0, 2))
}

export const findPrimary =
  'name the primary in DATABASE_URL; if it is the primary, look why it takes no writes (default_transaction_read_only, a full disk)'

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
  remedy: 'check user and password in DATABASE_URL, and PGPASSWORD if it has no password',
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
    'raise max_connections, or the limit of the role or database that it names (of a pooler: max_client_conn or default_pool_size), or find out who holds so many; a worker needs up to 14',
  isQuoted: true,
}

/** A pooler has moved the connection to another session: one without its prepared statements, or with those of another connection. */
export const sharedSession: Meaning = {
  found: 'is behind a pooler that shares its sessions between connections',
  remedy: 'name Postgres itself in DATABASE_URL, or a database of PgBouncer with pool_mode=session',
  isConfiguration: true,
}

/** Of Postgres before and since version 14, PgBouncer, RDS and Azure. */
const withoutTls = /no pg_hba\.conf entry.*(?:no encryption|SSL off)|(?:SSL|TLS) (?:connection )?(?:is )?required/i

/** For a SQLSTATE with several meanings, by the message of an English server; other messages are explained by the state only. */
const sentences: readonly (readonly [state: string, words: RegExp, meaning: Meaning])[] = [
  ['28000', withoutTls, refusedWithoutTls],
  ['28000', /pg_hba\.conf/, allowInHba],
  [
    '28000',
    /client certificate|certificate authentication/,
    {
      found: 'wants a client certificate of this user',
      remedy:
        "add sslcert=FILE and sslkey=FILE to DATABASE_URL, with a certificate that an authority of the server's ssl_ca_file has signed and whose common name is the user",
      isConfiguration: true,
      isQuoted: true,
    },
  ],
  ['28000', /does not exist|not permitted to log in/, { ...refusedLogin, isQuoted: true }],
  ['08P01', /unsupported startup parameter/, noOptions],
  ['08P01', /no such database|database .* does not exist/, noDatabase],
  ['08P01', /no more connections|too many|query_wait_timeout/, tooManyConnections],
  [
    '08P01',
    /^(?:query|(?:idle )?transaction) timeout$/,
    {
      found: 'is behind a pooler whose time limit ended a statement or a transaction',
      remedy:
        'raise query_timeout of PgBouncer, and transaction_timeout if it is set, to more than 120 s, which is how long a statement may take (6 hours for sweeps of many millions of rows), and idle_transaction_timeout to more than 5 s',
      isQuoted: true,
    },
  ],
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
    '42501',
    /^could not /,
    {
      found: 'cannot open or write its own files',
      remedy: 'check its disk and the permissions of its data folder; the worker resumes automatically',
      isQuoted: true,
    },
  ],
  [
    '54000',
    /wraparound|"members" limit exceeded/,
    {
      found: 'takes no writes, because its transaction or MultiXact ids are used up',
      remedy:
        'end old open and prepared transactions, drop unused replication slots, and run VACUUM as a superuser in the database that it names, or in all; the worker resumes automatically',
      isQuoted: true,
    },
  ],
  [
    '57P03',
    /hot standby/i,
    { found: 'is a standby that answers no queries', remedy: 'name its primary in DATABASE_URL' },
  ],
]

const noTables: Meaning = {
  found: 'has no such table, function or schema',
  remedy:
    'if somebody renamed or dropped schema worker, or is restoring it, let it be restored; a worker that starts without one creates an empty one',
  isQuoted: true,
}

const states: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['28', refusedLogin],
  ['3D', noDatabase],
  ['3F000', noTables],
  ['42P01', noTables],
  ['42883', noTables],
  [
    '42501',
    {
      found: 'refused a privilege',
      remedy: 'grant it to the user of DATABASE_URL; "doctor" tells all that are missing',
      isConfiguration: true,
      isQuoted: true,
    },
  ],
  ['26000', sharedSession],
  ['42P05', sharedSession],
  ['25006', { found: 'is read-only', remedy: findPrimary }],
  ['53100', { found: 'has no disk space left', remedy: 'make room on its disk; the worker resumes automatically' }],
  ['53200', { found: 'has no memory left', remedy: 'look at its log; the worker resumes automatically' }],
  ['53300', tooManyConnections],
  [
    '53400',
    {
      found: 'allows a statement no more of something',
      remedy: 'raise that limit, such as temp_file_limit, for the user of DATABASE_URL',
      isQuoted: true,
    },
  ],
  [
    '40P01',
    {
      found: 'ended a transaction because it and another one waited for each other',
      remedy:
        'repeat what was asked; the worker does so itself. Let programs that make several requests in a transaction make them in one order, such as of account and job',
    },
  ],
  [
    '55P03',
    {
      found: 'made a statement wait too long for a lock that another session holds',
      remedy:
        'find that session with pg_blocking_pids (a dump, a long read, an idle transaction, VACUUM FULL, ALTER TABLE) and let it end; the worker resumes automatically',
    },
  ],
  [
    '57014',
    {
      found: 'ended a statement that took too long, or that somebody cancelled',
      remedy:
        'look in pg_stat_activity for what slows it down (a lock, other statements, a vacuum); the worker resumes automatically',
    },
  ],
  ['57P03', { found: 'is starting or shutting down', remedy: 'wait; the worker resumes automatically' }],
  ['57P01', { found: 'ended the connection', remedy: 'check that it runs; the worker resumes automatically' }],
  ['57P02', { found: 'ended the connection', remedy: 'check that it runs; the worker resumes automatically' }],
  [
    '08P01',
    {
      found: 'was answered for by a pooler that cannot reach it',
      remedy: 'look at the log of the pooler (PgBouncer)',
      isQuoted: true,
    },
  ],
  [
    '58',
    {
      found: 'reports an error of its machine or storage',
      remedy: 'check its log and its disk; the worker resumes automatically',
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
    /^timeout exceeded when trying to connect$/,
    {
      found: 'had no connection free in time, because all of this process were in use or still being opened',
      remedy:
        'check that it runs and that DATABASE_URL names it; if it does, look in pg_stat_activity for what slows down its statements',
    },
  ],
  [
    /timeout expired|due to connection timeout/,
    {
      found: 'did not answer in time',
      remedy:
        'check that it runs and that DATABASE_URL names it; if it does, look for a firewall that drops the packets, or a DNS server that does not answer',
    },
  ],
  [
    /^Query read timeout$/,
    {
      found: 'did not answer a statement in time',
      remedy:
        'check that it runs, and look in pg_stat_activity for what slows it down; of a pooler, check that default_pool_size has room for the 14 connections of each worker',
    },
  ],
  [
    /Connection terminated|Client has encountered a connection error|not queryable/,
    {
      found: 'ended the connection',
      remedy:
        'check that it runs and that DATABASE_URL names it; if it does, look for a job that waits for anything but the database in context.transaction, or that blocks the event loop: Postgres ends a transaction in which nothing happens for 5 seconds',
    },
  ],
]
