import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg, { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError, type OutageError, WorkerError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { inspectDatabase } from '../../src/store/inspect-database.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { explainPostgresFailure } from '../../src/store/postgres-failure.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { ensureCertificateAuthority, hasOpenssl } from '../services/certificates.ts'
import type { ServiceHandle } from '../services/local-service.ts'
import { pgbouncerServer, startPgbouncer } from '../services/start-pgbouncer.ts'
import { postgresServer, startPostgres } from '../services/start-postgres.ts'
import { listen } from '../services/start-proxy.ts'
import { unprivilegedUser } from '../services/unprivileged-user.ts'
import { useUpTransactionIds } from '../services/use-up-transaction-ids.ts'

const rules = `
host    open      all      127.0.0.1/32  trust
hostssl secure    all      127.0.0.1/32  trust
host    limited   all      127.0.0.1/32  trust
host    nowhere   all      127.0.0.1/32  trust
host    postgres  postgres 127.0.0.1/32  trust
host    postgres  worker   127.0.0.1/32  scram-sha-256
`

let folder = ''
let server: ServiceHandle
const log = createLog('silent')

beforeAll(async () => {
  if (!postgresServer) return
  folder = await mkdtemp(join(tmpdir(), 'postgres-words-'))
  const user = unprivilegedUser()
  const own = async (file: string) => user && (await chown(file, user.uid, user.gid))
  const hba = join(folder, 'pg_hba.conf')
  await writeFile(hba, rules)
  const settings: Record<string, string> = { hba_file: hba }
  if (hasOpenssl) {
    const { certificateFile, keyFile } = ensureCertificateAuthority(folder).issueForLoopback('postgres')
    Object.assign(settings, { ssl: 'on', ssl_cert_file: certificateFile, ssl_key_file: keyFile })
    await own(certificateFile)
    await own(keyFile)
  }
  await own(folder)
  await own(hba)
  server = await startPostgres(settings)
  await onServer('create database open', 'create database secure', `create user worker password 'canary'`)
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** @param change of the URL of a superuser of database "open" */
function urlOf(change: (url: URL) => void = () => {}): string {
  const url = new URL(server.url)
  url.pathname = '/open'
  change(url)
  return url.href
}

async function onServer(...statements: string[]): Promise<void> {
  await onDatabase(server.url, ...statements)
}

async function onDatabase(url: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A pooler keeps them. */
async function useSessionsAtOnce(connectionString: string, count: number): Promise<void> {
  const clients = Array.from({ length: count }, () => new Client({ connectionString }))
  for (const client of clients) {
    await client.connect()
    await client.query('begin')
  }
  for (const client of clients) {
    await client.query('commit')
    await client.end()
  }
}

async function refusalOf(url: string): Promise<WorkerError> {
  const error: unknown = await inspectDatabase(url).then(
    ({ problem }) => problem && new ConfigError([problem]),
    (thrown: unknown) => thrown,
  )
  if (error instanceof WorkerError) return error
  throw new Error(`it was not refused: ${String(error)}`)
}

interface Case {
  readonly what: string
  readonly url: () => string
  readonly kind: typeof ConfigError | typeof OutageError
  readonly found: RegExp
  readonly remedy: RegExp
}

const refusals: readonly Case[] = [
  {
    what: 'a wrong password',
    url: () => urlOf(url => Object.assign(url, { pathname: '/postgres', username: 'worker', password: 'canary-2' })),
    kind: ConfigError,
    found: /refused the user or the password \(28P01\)$/,
    remedy: /check user and password/,
  },
  {
    what: 'no password',
    url: () => urlOf(url => Object.assign(url, { pathname: '/postgres', username: 'worker' })),
    kind: ConfigError,
    found: /wants a password, and DATABASE_URL has none$/,
    remedy: /check user and password/,
  },
  {
    what: 'an unknown user',
    url: () => urlOf(url => Object.assign(url, { username: 'nobody' })),
    kind: ConfigError,
    found: /refused the user .*\(28000: role "nobody" does not exist\)$/,
    remedy: /check user and password/,
  },
  {
    what: 'no rule for this machine',
    url: () => urlOf(url => Object.assign(url, { pathname: '/template1' })),
    kind: ConfigError,
    found: /28000: no pg_hba.conf entry/,
    remedy: /sslmode=verify-full.*pg_hba\.conf/,
  },
  {
    what: 'a database that there is not',
    url: () => urlOf(url => Object.assign(url, { pathname: '/nowhere' })),
    kind: ConfigError,
    found: /has no database of the name in DATABASE_URL \(3D000\)$/,
    remedy: /create it/,
  },
  {
    what: 'a file that is not there',
    url: () => urlOf(url => url.searchParams.set('sslrootcert', '/nowhere/authority.pem')),
    kind: ConfigError,
    found: /^DATABASE_URL names the file \/nowhere\/authority\.pem, which can't be read \(ENOENT\)$/,
    remedy: /sslrootcert/,
  },
]

describe.runIf(postgresServer)('a Postgres that refuses', () => {
  test.each(refusals)('$what is told with its own remedy', async ({ url, kind, found, remedy }) => {
    const error = await refusalOf(url())
    expect(error).toBeInstanceOf(kind)
    expect(error.found).toMatch(found)
    expect(error.remedy).toMatch(remedy)
    expect(error.message).not.toContain('canary')
  })

  test.runIf(hasOpenssl)('a connection without TLS, and one whose certificate nobody vouches for', async () => {
    const plain = await refusalOf(urlOf(url => Object.assign(url, { pathname: '/secure' })))
    expect(plain).toMatchObject({
      found: expect.stringMatching(/no rule that lets this user in without TLS \(28000: no pg_hba\.conf entry/),
      remedy: expect.stringContaining('sslmode=verify-full'),
    })
    const unknown = await refusalOf(
      urlOf(url => Object.assign(url, { pathname: '/secure', search: '?sslmode=verify-full' })),
    )
    expect(unknown).toMatchObject({
      found: expect.stringContaining("the server's certificate is not trusted"),
      remedy: expect.stringContaining('sslrootcert'),
    })
  })

  test.runIf(hasOpenssl)('a connection whose certificate and key belong to others', async () => {
    const authority = ensureCertificateAuthority(folder)
    const sslcert = authority.issueForClient('one').certificateFile
    const sslkey = authority.issueForClient('other').keyFile
    const search = `?${new URLSearchParams({ sslmode: 'verify-full', sslcert, sslkey })}`
    const error = await refusalOf(urlOf(url => Object.assign(url, { pathname: '/secure', search })))
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toMatch(/names a certificate or a key that can't be used .*MISMATCH.*sslcert and sslkey/)
  })

  test('TLS that the server does not speak', async () => {
    await using other = await startPostgres()
    const error = await refusalOf(`${other.url}?sslmode=verify-full`)
    expect(error).toMatchObject({
      found: expect.stringContaining('speaks no TLS, which DATABASE_URL demands'),
      remedy: expect.stringContaining('sslmode=disable'),
    })
    await onDatabase(other.url, 'alter system set default_transaction_read_only = on', 'select pg_reload_conf()')
    await expect.poll(() => refusalOf(other.url).then(({ found }) => found, String)).toMatch(/is read-only \(25006\)$/)
    await other.stop()
    expect(await refusalOf(other.url)).toMatchObject({
      found: expect.stringMatching(/can't be reached, the connection was refused \(ECONNREFUSED\)$/),
      remedy: 'check that it runs and that DATABASE_URL names it',
    })
  })

  test('ids that are used up: a write that meets them is repeated', async () => {
    await using other = await startPostgres()
    await using database = await openDatabase({ databaseUrl: other.url }, log)
    await useUpTransactionIds(other)
    const write = sql`create table mirror.topics ()`
    await expect(write.execute(database.store)).rejects.toMatchObject({
      name: 'TransientError',
      code: 'store',
      found: expect.stringMatching(
        /transaction or MultiXact ids are used up \(54000: .*wraparound.* in database "\w+"\)$/,
      ),
      remedy: expect.stringContaining('run VACUUM as a superuser in the database that it names'),
    })
  })

  test.each([
    ['cannot be opened', (file: string) => chmod(file, 0), /^Postgres cannot open or write its own files \(42501: /],
    ['is gone', rm, /^Postgres reports an error of its machine or storage \(58P01\)$/],
  ] as const)('a file of its own that %s: what needs it is repeated', async (_what, spoil, found) => {
    await using other = await startPostgres()
    await using database = await openDatabase({ databaseUrl: other.url }, log)
    const { rows } = await sql<{ file: string }>`
      select current_setting('data_directory') || '/' || pg_relation_filepath('worker.requests') as file`.execute(
      database.store,
    )
    await spoil(rows[0]?.file ?? expect.fail())
    database.leaveConnections()
    const read = sql`select from worker.requests`
    await expect(read.execute(database.store)).rejects.toMatchObject({
      name: 'TransientError',
      code: 'store',
      found: expect.stringMatching(found),
      remedy: expect.stringMatching(/disk.*resumes automatically$/),
    })
  })

  test('an idle connection that ends without a word, in words', async () => {
    await using relay = await startRelay(server.url)
    const logged = captureLog()
    await using database = await openDatabase({ databaseUrl: relay.url }, logged.log)
    await sql`select`.execute(database.store)
    relay.endConnections()
    await expect.poll(() => logged.lines.map(({ msg }) => msg)).toContain('a database connection was lost')
    expect(logged.lines).toContainEqual(
      expect.objectContaining({
        error: {
          code: 'store',
          message: expect.stringMatching(
            /^Postgres ended the connection: check that it runs .* nothing happens for 5 seconds$/,
          ),
        },
      }),
    )
  })

  test('nothing when it is reached by its socket, and a socket that is not there', async () => {
    await using other = await startPostgres({ unix_socket_directories: folder })
    const { port, username } = new URL(other.url)
    const urlAt = (socket: string) => `postgres://${username}@localhost:${port}/postgres?host=${socket}`
    expect(await inspectDatabase(urlAt(folder))).toMatchObject({ problem: undefined })
    expect(await refusalOf(urlAt('/nowhere'))).toMatchObject({
      found: expect.stringMatching(/^Postgres at \/nowhere /),
    })
  })

  test('nothing that the worker needs', async () => {
    expect(await inspectDatabase(urlOf())).toMatchObject({ problem: undefined, hasStore: false })
  })
})

describe.runIf(postgresServer)('what a user may not do', () => {
  const asLimited = () => urlOf(url => Object.assign(url, { pathname: '/limited', username: 'limited' }))
  const asOwner = () => urlOf(url => Object.assign(url, { pathname: '/limited' }))
  beforeAll(async () => {
    await onServer('create database limited', 'create user limited')
  })

  test('before the first start is to make its schemas, and start and doctor say the same', async () => {
    const { problem } = await inspectDatabase(asLimited())
    expect(problem).toEqual({
      found: 'User "limited" of DATABASE_URL lacks CREATE on database limited',
      remedy:
        'run the output of "npm run -s cli -- migrate --print --grant-to limited" as an administrator, or run as the owner or a superuser: grant create on database limited to limited',
    })
    await expect(openDatabase({ databaseUrl: asLimited() }, log)).rejects.toMatchObject({ code: '42501' })
  })

  test('after the first start is nothing, though the right to make schemas is gone', async () => {
    await onDatabase(asOwner(), 'grant create on database limited to limited')
    const open = async () => {
      await using database = await openDatabase({ databaseUrl: asLimited() }, log)
      await sql`select * from worker.look(gen_random_uuid(), '{}', null, 1, 1)`.execute(database.store)
    }
    await open()
    await onDatabase(asOwner(), 'revoke create on database limited from limited')
    expect(await inspectDatabase(asLimited())).toMatchObject({ problem: undefined, pending: [] })
    await open()
  })

  test('without any grant is told in full, of a store that somebody else has migrated', async () => {
    await onDatabase(asOwner(), 'create user stranger')
    const { problem } = await inspectDatabase(
      urlOf(url => Object.assign(url, { pathname: '/limited', username: 'stranger' })),
    )
    expect(problem?.found).toMatch(/^User "stranger" .* USAGE on schema worker; .* on \d+ tables of schema worker/)
    expect(problem?.remedy).toContain('grant usage on schema worker to stranger')
  })

  test('with the tables is told with the grants that mend it', async () => {
    await onDatabase(
      asOwner(),
      'create user reader',
      'grant usage on schema worker to reader',
      'grant select on all tables in schema worker to reader',
    )
    const asReader = urlOf(url => Object.assign(url, { pathname: '/limited', username: 'reader' }))
    const { problem, firstLogins } = await inspectDatabase(asReader)
    expect(problem?.found).toMatch(
      /^User "reader" .* lacks CREATE on schema mirror; USAGE on schema mirror; DELETE, INSERT, UPDATE on \d+ tables of schema worker$/,
    )
    expect(problem?.remedy).toContain('grant delete, insert, update on all tables in schema worker to reader')
    const grants = problem?.remedy?.replace(/^.*?: /, '').split('; ') ?? []
    await onDatabase(asOwner(), ...grants)
    expect((await inspectDatabase(asReader)).problem).toBeUndefined()
    expect(firstLogins).toEqual(new Map())
  })
})

describe.runIf(postgresServer && pgbouncerServer)('behind PgBouncer', () => {
  test('one session for each connection is fine, a shared one is refused', async () => {
    await using session = await startPgbouncer(urlOf(), 'session')
    expect((await inspectDatabase(session.url)).problem).toBeUndefined()
    await using transaction = await startPgbouncer(urlOf(), 'transaction')
    expect(await refusalOf(transaction.url)).toMatchObject({
      found: expect.stringContaining('a pooler that shares its sessions between connections'),
      remedy: expect.stringContaining('pool_mode=session'),
    })
    await expect(openDatabase({ databaseUrl: transaction.url }, log)).rejects.toMatchObject({
      name: 'ConfigError',
      found: expect.stringContaining('a pooler that shares its sessions between connections'),
    })
  })

  // Supavisor and PgCat take turns, and Odyssey resets its sessions.
  test.each([
    ['takes turns among its sessions', { server_round_robin: 1 }],
    ['resets a session after each use', { server_reset_query_always: 1 }],
  ])('a shared session is refused, also if it %s', async (_, settings) => {
    await using pooler = await startPgbouncer(urlOf(), 'transaction', settings)
    await useSessionsAtOnce(pooler.url, 3)
    expect((await refusalOf(pooler.url)).found).toContain('shares its sessions')
    await expect(openDatabase({ databaseUrl: pooler.url }, log)).rejects.toThrow('shares its sessions')
  })

  test('a session of the server that never becomes free is told soon', async () => {
    await using pooler = await startPgbouncer(urlOf(), 'session', { default_pool_size: 1 })
    await expect(openDatabase({ databaseUrl: pooler.url }, log)).rejects.toMatchObject({
      name: 'TransientError',
      found: 'Postgres did not answer a statement in time',
      remedy: expect.stringContaining('default_pool_size'),
    })
  })

  test('a worker leaves the sessions of a peak to the next one before that gives up', async () => {
    await using pooler = await startPgbouncer(urlOf(), 'session', { default_pool_size: 12 })
    await using first = await openDatabase({ databaseUrl: pooler.url }, log)
    await Promise.all(Array.from({ length: 12 }, () => sql`select pg_sleep(0.2)`.execute(first.store)))
    await using second = await openDatabase({ databaseUrl: pooler.url }, log)
    expect((await sql`select 1 as one`.execute(second.store)).rows).toEqual([{ one: 1 }])
  })

  test('its own refusals are told in its words', async () => {
    await using bouncer = await startPgbouncer(urlOf(), 'session')
    const withOptions = await refusalOf(`${bouncer.url}?options=-c%20lock_timeout%3D5s`)
    expect(withOptions).toMatchObject({
      found: expect.stringMatching(/pooler that refuses a setting .*unsupported startup parameter/),
      remedy: expect.stringContaining('ignore_startup_parameters'),
    })
  })
})

/** Poolers and managed servers have words of their own, under states that say nothing; a refused connection holds no row. */
test.each<[string, string, RegExp, RegExp]>([
  // Supabase's pooler
  ['XX000', 'Tenant or user not found', /refused the user.*Tenant or user not found/, /user\.project/],
  ['XX000', '(ENOTFOUND) tenant/user postgres.abc not found', /refused the user/, /user\.project/],
  ['XX000', '(ENOIDENTIFIER) no tenant identifier provided', /refused the user/, /user\.project/],
  ['XX000', 'MaxClientsInSessionMode: max clients reached - in Session mode', /takes no more connections/, /pool_size/],
  ['XX000', 'Max client connections reached', /takes no more connections/, /pool_size/],
  ['53300', 'too many connections for role "a"', /takes no more connections/, /limit of the role or database/],
  ['28000', 'connection requires a valid client certificate', /wants a client certificate.*\(28000: /, /sslcert=/],
  ['28000', 'certificate authentication failed for user "a"', /wants a client certificate/, /common name/],
  // RDS before Postgres 14, and Azure
  ['28000', 'no pg_hba.conf entry for host "10.0.0.7", user "a", database "b", SSL off', /without TLS/, /sslmode=/],
  ['28000', 'SSL connection is required. Please specify SSL options and retry.', /without TLS/, /sslmode=/],
  ['08P01', 'SSL connection is required', /without TLS/, /sslmode=/],
  // Neon
  ['XX000', 'Endpoint ID is not specified.', /refused the connection \(XX000: Endpoint ID is not/, /DATABASE_URL/],
  ['53000', 'Your project has exceeded the compute time quota.', /refused .*\(53000: Your project has/, /DATABASE_URL/],
])('%s (%s) at a connection is told by its words', (code, message, found, remedy) => {
  const error = Object.assign(new Error(message), { code, severity: 'FATAL' })
  const failure = explainPostgresFailure(error, 'Postgres')
  expect(failure.found).toMatch(found)
  expect(failure.remedy).toMatch(remedy)
})

/** Words of a proxy, which sees no rows, and names no routine of Postgres' source. */
test.each<[string, string, RegExp, RegExp]>([
  // Neon
  [
    'XX000',
    'Your account or project has exceeded the compute time quota. Upgrade your plan to increase limits.',
    /\(XX000: Your account or project has exceeded the compute time quota/,
    /DATABASE_URL/,
  ],
  // PgBouncer
  [
    '08P01',
    'query timeout',
    /time limit ended a statement.*\(08P01: query timeout\)$/,
    /query_timeout of PgBouncer.* more than 120 s.* \(6 hours for sweeps/,
  ],
  ['08P01', 'idle transaction timeout', /time limit ended a statement or a transaction/, /idle_transaction_timeout/],
  ['08P01', 'query_wait_timeout', /takes no more connections \(08P01: query_wait_timeout\)/, /default_pool_size/],
])('%s (%s) of a proxy is told by its words', (code, message, found, remedy) => {
  const ofProxy = Object.assign(new pg.DatabaseError(message, 100, 'error'), { code, severity: 'ERROR' })
  const failure = explainPostgresFailure(ofProxy, 'Postgres')
  expect(failure.found).toMatch(found)
  expect(failure.remedy).toMatch(remedy)
})

test('words of Postgres itself, which may quote a row, are not told', () => {
  const error = Object.assign(new pg.DatabaseError('canary', 100, 'error'), { code: 'XX000', routine: 'elog_finish' })
  expect(explainPostgresFailure(error, 'Postgres').found).toBe('Postgres refused what it was asked (XX000)')
})

test('what a network or a certificate of a provider needs is told', () => {
  const remedyOf = (code: string) => explainPostgresFailure(Object.assign(new Error(code), { code }), 'Postgres').remedy
  expect(remedyOf('ENETUNREACH')).toMatch(/IPv6.*session pooler/)
  expect(remedyOf('ERR_TLS_CERT_ALTNAME_INVALID')).toMatch(/host name of its certificate.*verify-ca/)
})

test.each<[string, RegExp, RegExp]>([
  ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string', /wants a password/, /password/],
  ['SASL: Only mechanism(s) SCRAM-SHA-256 are supported', /way to log in/, /scram-sha-256/],
  ['Unknown authenticationOk message type 7', /way to log in/, /scram-sha-256/],
  ['There was an error establishing an SSL connection', /does not answer as a Postgres/, /host and port/],
])("the driver's %s is told with what to do", (message, found, remedy) => {
  const failure = explainPostgresFailure(new Error(message), 'Postgres')
  expect(failure.found).toMatch(found)
  expect(failure.remedy).toMatch(remedy)
  expect(failure.isConfiguration).toBe(true)
})

test('a statement without an answer, as of a pooler whose sessions are all in use, is told with where to look', () => {
  const failure = explainPostgresFailure(new Error('Query read timeout'), 'Postgres')
  expect(failure.found).toBe('Postgres did not answer a statement in time')
  expect(failure.remedy).toMatch(/pg_stat_activity.*default_pool_size/)
})

test('a pool whose connections are all in use is not told as a Postgres that is gone', () => {
  const failure = explainPostgresFailure(new Error('timeout exceeded when trying to connect'), 'Postgres')
  expect(failure.found).toMatch(/^Postgres had no connection free in time, because all of this process were in use/)
  expect(failure.remedy).toMatch(/pg_stat_activity/)
})

/** Those that a server isn't brought to here, in the words of Postgres' source. */
test.each<[string, string, RegExp, RegExp]>([
  ['53300', 'sorry, too many clients already', /takes no more connections/, /max_connections/],
  ['57P03', 'the database system is starting up', /is starting or shutting down/, /wait/],
  ['57P03', 'the database system is not accepting connections; Hot standby mode is disabled.', /standby/, /primary/],
  [
    '53400',
    'temporary file size exceeds "temp_file_limit" (1024kB)',
    /allows a statement no more .*temp_file_limit/,
    /raise that limit/,
  ],
  ['53100', 'could not extend file: No space left on device', /no disk space/, /room/],
  [
    '42501',
    'could not extend file "base/5/16396": Read-only file system',
    /cannot open or write its own files \(42501: could not extend file "base\/5\/16396": Read-only file system\)$/,
    /check its disk/,
  ],
  ['42501', 'could not access status of transaction 5', /cannot open or write its own files/, /check its disk/],
  ['58030', 'could not read block 0 in file "canary": Input/output error', /machine or storage \(58030\)$/, /disk/],
  [
    '54000',
    'database is not accepting commands that assign new MultiXactIds to avoid wraparound data loss in database "a"',
    /takes no writes, because its transaction or MultiXact ids are used up \(54000: .* in database "a"\)$/,
    /VACUUM/,
  ],
  ['54000', 'multixact "members" limit exceeded', /ids are used up/, /VACUUM/],
  ['54000', 'row is too big: size canary, maximum size 8160', /^Postgres refused what it was asked \(54000\)$/, /log/],
  ['40P01', 'deadlock detected', /waited for each other/, /^repeat what was asked/],
  ['55P03', 'canceling statement due to lock timeout', /a lock that another session holds/, /pg_blocking_pids/],
  ['57014', 'canceling statement due to statement timeout', /took too long/, /pg_stat_activity/],
  ['57014', 'canceling statement due to user request', /somebody cancelled/, /resumes automatically/],
  ['26000', 'prepared statement "canary" does not exist', /shares its sessions/, /pool_mode=session/],
  ['42P05', 'prepared statement "canary" already exists', /shares its sessions/, /pool_mode=session/],
  ['25006', 'cannot execute INSERT in a read-only transaction', /is read-only/, /primary/],
  ['42501', 'permission denied for schema worker', /42501: permission denied for schema worker/, /doctor/],
  ['XX000', 'canary', /^Postgres refused what it was asked \(XX000\)$/, /log/],
])('%s (%s) is told by its state', (code, message, found, remedy) => {
  const failure = explainPostgresFailure(Object.assign(new Error(message), { code }), 'Postgres')
  expect(failure.found).toMatch(found)
  expect(failure.remedy).toMatch(remedy)
  expect(failure.found).not.toContain('canary')
})

/** Ends its connections as a proxy or a fail-over does: without Postgres's own last message. */
async function startRelay(target: string) {
  const sockets = new Set<Socket>()
  const relay = createServer(socket => {
    sockets.add(socket)
    socket.pipe(connect(Number(new URL(target).port), '127.0.0.1')).pipe(socket)
  })
  const url = Object.assign(new URL(target), { port: String(await listen(relay)) }).href
  const endConnections = () => {
    for (const socket of sockets) socket.destroy()
  }
  const stop = async () => {
    endConnections()
    relay.close()
  }
  return { url, endConnections, [Symbol.asyncDispose]: stop }
}
