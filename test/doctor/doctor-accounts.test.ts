import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { describe, expect } from 'vitest'
import { type Environment, run, startWorker } from '../cli/run-command.ts'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { findFreePort } from '../services/free-port.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { redisServer, startRedis } from '../services/start-redis.ts'
import { runDoctor } from './run-doctor.ts'

let folder: string
let dataDir: string
let accountsFile: string
const test = sandboxTest
  .extend(
    'writeAccounts',
    ({ sandbox }) =>
      async (...accounts: readonly ({ name: string } & Record<string, unknown>)[]): Promise<void> => {
        const whole = accounts.map(own => {
          const { name } = own
          const clientSecret = `secret-of-${name}`
          sandbox.idp.addClient({ clientId: name, clientSecret, roles: ['viewer'], email: `${name}@wiki.example` })
          return { oidcIssuer: sandbox.idp.issuer, clientId: name, clientSecret, hasuraUrl: sandbox.hasura.url, ...own }
        })
        await writeFile(accountsFile, JSON.stringify({ accounts: whole }), { mode: 0o600 })
      },
  )
  /** What would be a trace of somebody who does more than look. */
  .extend('countMutations', ({ sandbox }) => (): number => {
    return sandbox.hasura.requests.filter(({ operationName }) => operationName === 'RefreshUsers').length
  })

test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-doctor-'))
  dataDir = join(folder, 'data')
  accountsFile = join(folder, 'accounts.yaml')
})
test.afterEach(() => rm(folder, { recursive: true, force: true }))

const env = (more: Environment = {}): Environment => ({ ACCOUNTS_FILE: accountsFile, DATA_DIR: dataDir, ...more })

describe('of several accounts', () => {
  test('only a few are checked at a time, so that a thousand don’t wait for each other', async ({ writeAccounts }) => {
    let asked = 0
    let most = 0
    const server = createServer(async (_request, response) => {
      asked += 1
      most = Math.max(most, asked)
      for (let turn = 0; turn < 200; turn += 1) await setImmediate()
      asked -= 1
      response.writeHead(503).end()
    })
    await using listening = await listenOnLoopback(server)
    const own = { oidcIssuer: undefined, hasuraUrl: undefined, tokenUrl: `${listening.url}/token` }
    await writeAccounts(...Array.from({ length: 24 }, (_, n) => ({ name: `account-${n}`, ...own })))
    const { diagnoses } = await runDoctor(env())
    expect(diagnoses).toHaveLength(24)
    expect(most).toBeLessThanOrEqual(8)
  })

  test('the broken ones are told apart from those that are well', async ({ writeAccounts }) => {
    await writeAccounts(
      { name: 'well' },
      { name: 'wrong', clientSecret: 'canary-wrong' },
      { name: 'away', oidcIssuer: `http://127.0.0.1:${await findFreePort()}/realms/x` },
    )
    const { code, diagnoses, failed, find, written } = await runDoctor(env())
    expect(diagnoses.map(({ account, ok }) => [account, ok])).toEqual([
      ['well', true],
      ['wrong', false],
      ['away', false],
    ])
    expect(failed).toEqual(['client-auth', 'token-endpoint'])
    expect(find('contract', 'wrong')).toMatchObject({
      status: 'skip',
      detail: 'not checked, because client-auth failed',
    })
    expect(code).toBe(3)
    expect(written).not.toContain('canary')
  })

  test('one can be checked without the others', async ({ writeAccounts }) => {
    await writeAccounts({ name: 'one' }, { name: 'two', clientSecret: 'wrong' })
    const { code, diagnoses } = await runDoctor(env(), { argv: ['--account', 'one'] })
    expect({ code, accounts: diagnoses.map(({ account }) => account) }).toEqual({ code: 0, accounts: ['one'] })
    expect(await run(env(), 'doctor', '--account', 'three')).toMatchObject({
      code: 2,
      err: 'There is no account "three": the accounts are one, two\n',
    })
  })

  test('only the jobs of each are asked about', async ({ writeAccounts, sandbox }) => {
    await writeAccounts({ name: 'idle', jobs: [] }, { name: 'busy' })
    sandbox.idp.setRoles('idle', ['editor'])
    const { code, find } = await runDoctor(env())
    expect(find('job-roles', 'idle')).toMatchObject({ status: 'ok', detail: 'no job needs a role' })
    expect(find('contract', 'idle')).toMatchObject({ status: 'skip' })
    expect(find('job-roles', 'busy')).toMatchObject({ status: 'ok', detail: 'every job has its role (viewer)' })
    expect(code).toBe(0)
  })

  test('what a file says of jobs that do not exist is told of its account, with the path', async ({
    writeAccounts,
  }) => {
    await writeAccounts({ name: 'one' }, { name: 'two', jobs: ['sync-all'], schedules: { 'sync-users': null } })
    const { code, find } = await runDoctor(env())
    expect(find('config', 'one')).toMatchObject({ status: 'ok' })
    expect(find('config', 'two')).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/^ACCOUNTS_FILE accounts\.1\.jobs\.0: there is no job "sync-all"; ACCOUNTS_FILE/),
      hint: expect.stringMatching(/^the jobs are .*; add it there/),
    })
    expect(code).toBe(2)
  })

  test('a file that everybody may read is told of when it holds secrets', async ({ writeAccounts }) => {
    const clientSecretFile = join(folder, 'secret')
    await writeFile(clientSecretFile, 'secret-of-named', { mode: 0o600 })
    await writeAccounts({ name: 'holds' }, { name: 'named', clientSecret: undefined, clientSecretFile })
    await chmod(accountsFile, 0o644)
    const { code, find } = await runDoctor(env())
    expect(find('config', 'holds')).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('ACCOUNTS_FILE, which holds the secret,'),
      hint: `chmod 600 ${accountsFile}`,
    })
    expect(find('config', 'named')).toMatchObject({ status: 'ok' })
    expect(code).toBe(0)
  })

  test('a file that is no accounts file is a finding, not a crash', async () => {
    await writeFile(accountsFile, 'accounts: 3')
    const { code, failed, find } = await runDoctor(env())
    expect(find('config').detail).toContain('ACCOUNTS_FILE accounts: must be a list of accounts')
    expect({ code, failed }).toEqual({ code: 2, failed: ['config'] })
  })

  test('the password grant is shown as what is to be given up', async ({ writeAccounts, sandbox }) => {
    for (const name of ['user', 'password']) await writeFile(join(folder, name), name, { mode: 0o600 })
    const [usernameFile, passwordFile] = [join(folder, 'user'), join(folder, 'password')]
    await writeAccounts({ name: 'ropc', clientAuth: 'password', usernameFile, passwordFile, hasuraUrl: undefined })
    const { ropc } = { ropc: await sandbox.idp.issueToken('ropc') }
    const answer = JSON.stringify({ access_token: ropc, expires_in: 300, token_type: 'Bearer' })
    const mend = sandbox.idp.fault('token', {
      kind: 'status',
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: answer,
    })
    const { find } = await runDoctor(env())
    mend()
    expect(find('client-auth')).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('CLIENT_AUTH=password'),
      hint: expect.stringContaining('use a service account'),
    })
  })
})

describe('an embedded store', () => {
  test('that is not there yet is not made', async ({ writeAccounts, countMutations }) => {
    await writeAccounts({ name: 'fresh' })
    const { find } = await runDoctor(env())
    expect(find('store')).toMatchObject({ status: 'warn', detail: expect.stringContaining('does not exist yet') })
    expect(find('first-login')).toMatchObject({ status: 'warn', hint: expect.stringContaining('bootstrap') })
    expect(await readdir(folder)).toEqual(['accounts.yaml'])
    expect(countMutations()).toBe(0)
  })

  test('is queried through its worker while one runs, and not opened while none does', async ({
    writeAccounts,
    countMutations,
    sandbox,
  }) => {
    await writeAccounts({ name: 'embedded' })
    {
      await using _worker = await startWorker(env())
      expect((await run(env(), 'bootstrap', '--wait')).code).toBe(0)
      // Those that the schedules ask for come when they come.
      const askedFor = async () => {
        const runs: { trigger: string }[] = JSON.parse((await run(env(), 'runs', '--json')).out)
        return runs.filter(({ trigger }) => trigger !== 'schedule')
      }
      const runs = await askedFor()
      const before = countMutations()
      const { code, find } = await runDoctor(env())
      expect(find('store').detail).toBe(`embedded in ${dataDir}, and its worker answers`)
      expect(find('first-login')).toMatchObject({ status: 'ok', detail: 'the user is visible in the application' })
      expect(code).toBe(0)
      expect(countMutations()).toBe(before)
      expect(await askedFor()).toEqual(runs)

      const userId = sandbox.hasura.requests.findLast(({ operationName }) => operationName === 'RefreshUsers')?.userId
      expect(await sandbox.hasura.sql('delete from users where id = $1 returning id', [userId])).toHaveLength(1)
      const gone = await runDoctor(env())
      expect(gone.find('first-login')).toMatchObject({
        status: 'fail',
        detail: `the first login was made, but the application does not show the user ${userId}`,
        hint: expect.stringMatching(/email is set and verified .* in a group/),
      })
      expect({ code: gone.code, failed: gone.failed }).toEqual({ code: 1, failed: ['first-login'] })
    }
    const files = async () => (await readdir(dataDir, { recursive: true })).toSorted()
    const before = await files()
    const { mtimeMs } = await stat(dataDir)
    const { code, find } = await runDoctor(env())
    expect(find('store')).toMatchObject({ status: 'ok', detail: `embedded in ${dataDir}; no worker runs` })
    expect(find('first-login')).toMatchObject({ status: 'skip' })
    expect(code).toBe(0)
    expect(await files()).toEqual(before)
    expect((await stat(dataDir)).mtimeMs).toBe(mtimeMs)
  })

  test('whose worker holds the account for its new endpoint says so', async ({ writeAccounts, sandbox }) => {
    await writeAccounts({ name: 'moved' })
    expect((await run(env(), 'run', 'sync-topics')).code).toBe(0)
    await writeAccounts({ name: 'moved', hasuraUrl: sandbox.hasura.url.replace('127.0.0.1', 'localhost') })
    await using _worker = await startWorker(env())
    await expect.poll(async () => (await run(env(), 'holds', '--json')).out).toContain('"code":"fingerprint"')
    const { failed, find } = await runDoctor(env())
    expect(failed).toEqual(['first-login'])
    expect(find('first-login').detail).toMatch(/^Account "moved" had .* before and has /)
  })
})

async function query(databaseUrl: string, ...statements: readonly string[]): Promise<readonly object[]> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const statement of statements.slice(0, -1)) await client.query(statement)
    return (await client.query<object>(statements.at(-1) ?? '')).rows
  } finally {
    await client.end()
  }
}

const ownTables =
  "select relname from pg_class where relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)"

describe.runIf(hasPostgres)('Postgres', () => {
  test('is neither filled nor migrated, and has its state told', async ({ writeAccounts }) => {
    await using database = await createDatabase()
    await writeAccounts({ name: 'shared' })
    const withPostgres = env({ DATABASE_URL: database.url })
    const empty = await runDoctor(withPostgres)
    expect(empty.find('store')).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('tables do not exist yet'),
    })
    expect(empty.find('queue').status).toBe('warn')
    expect(empty.code).toBe(0)
    expect(await query(database.url, ownTables)).toEqual([])

    await run(withPostgres, 'migrate')
    const ready = await runDoctor(withPostgres)
    expect(ready.find('store')).toMatchObject({ status: 'ok' })
    expect(ready.find('first-login')).toMatchObject({ status: 'warn', hint: expect.stringContaining('bootstrap') })
  })

  test('says why a first login is stuck', async ({ writeAccounts }) => {
    await using database = await createDatabase()
    await writeAccounts({ name: 'held' })
    const withPostgres = env({ DATABASE_URL: database.url })
    expect((await run(withPostgres, 'run', 'sync-topics')).code).toBe(0)
    await query(
      database.url,
      "insert into worker.holds (account, job, code, found, remedy, met_by, probe_at) values ('held', '', 'first-login', 'The user was not visible', 'check its group', 'gate', now())",
    )
    const { code, find } = await runDoctor(withPostgres)
    expect(find('first-login')).toMatchObject({
      status: 'fail',
      detail: 'The user was not visible',
      hint: 'check its group',
    })
    expect(code).toBe(1)
  })

  test('that knows the account with another endpoint says so before a run does', async ({ writeAccounts }) => {
    await using database = await createDatabase()
    await writeAccounts({ name: 'moved' })
    const withPostgres = env({ DATABASE_URL: database.url })
    expect((await run(withPostgres, 'run', 'sync-topics')).code).toBe(0)
    const before = await runDoctor(withPostgres)
    expect(before.failed).toEqual([])
    await query(database.url, "update worker.accounts set endpoint = 'https://before.example/v1/graphql'")
    const { code, failed, find } = await runDoctor(withPostgres)
    expect({ code, failed }).toEqual({ code: 1, failed: ['first-login'] })
    expect(find('first-login')).toMatchObject({
      detail: expect.stringContaining('Account "moved" had endpoint https://before.example/v1/graphql before'),
      hint: expect.stringContaining('give each a DATABASE_URL of its own'),
    })
  })

  test('that is away fails store and queue, without the password', async ({ writeAccounts }) => {
    await writeAccounts({ name: 'lonely' })
    const port = await findFreePort()
    const { code, failed, find, written } = await runDoctor(
      env({ DATABASE_URL: `postgres://u:canary-pg@127.0.0.1:${port}/x` }),
    )
    expect({ code, failed }).toEqual({ code: 1, failed: ['queue', 'store'] })
    expect(find('store')).toMatchObject({ hint: expect.stringContaining('DATABASE_URL') })
    expect(find('first-login')).toMatchObject({ status: 'skip' })
    expect(written).not.toContain('canary')
  })

  // Its own, because its settings are changed.
  test.runIf(redisServer)('has a Redis beside it that must be there and evict nothing', async ({ writeAccounts }) => {
    await using database = await createDatabase()
    await using redis = await startRedis()
    await writeAccounts({ name: 'queued' })
    const admin = new Redis(redis.url)
    admin.on('error', () => {})
    try {
      const both = env({ DATABASE_URL: database.url, REDIS_URL: redis.url })
      expect((await runDoctor(both)).find('queue')).toMatchObject({ status: 'ok' })
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
      const evicting = await runDoctor(both)
      expect(evicting.find('queue')).toMatchObject({
        status: 'fail',
        detail: expect.stringContaining('maxmemory-policy "allkeys-lru"'),
        hint: expect.stringContaining('noeviction'),
      })
      expect({ code: evicting.code, failed: evicting.failed }).toEqual({ code: 1, failed: ['queue'] })
      expect(await admin.dbsize()).toBe(0)
      const away = env({ DATABASE_URL: database.url, REDIS_URL: `redis://127.0.0.1:${await findFreePort()}` })
      expect((await runDoctor(away)).find('queue')).toMatchObject({
        status: 'fail',
        hint: expect.stringContaining('REDIS_URL'),
      })
    } finally {
      await admin.quit()
    }
  })
})

test('jobs that cannot be loaded are to be corrected, which no variable does', async ({ writeAccounts }) => {
  await writeAccounts({ name: 'north' })
  await mkdir(join(folder, 'src/jobs'), { recursive: true })
  await writeFile(join(folder, 'src/jobs/list.ts'), "throw new Error('no jobs yet')")
  const { find } = await runDoctor(env(), { folder })
  expect(find('config', 'north')).toMatchObject({
    status: 'fail',
    detail: expect.stringContaining('no jobs yet'),
    hint: expect.stringContaining("correct the project's files"),
  })
})
