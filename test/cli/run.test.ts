import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { systemClock } from '../../src/time/clock.ts'
import { canRun } from '../fixtures/can-run.ts'
import type { Sandbox } from '../fixtures/open-sandbox.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { openHome, run, runWith, start } from './run-command.ts'

const test = sandboxTest.extend('home', { scope: 'file' }, async ({ closing, sandbox }) =>
  closing.use(await openHome(sandbox, 'sync-worker')),
)

const canLimit = await canRun('prlimit', '--version')

describe('run', () => {
  test('ends with 0 and, asked for JSON, writes one document to stdout and its log to stderr', async ({ sandbox }) => {
    await using own = await openHome(sandbox, 'json-reader')
    const { code, out, err } = await start({ ...own.env, LOG_LEVEL: 'info' }, ['run', 'sync-users', '--json']).ended
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      job: 'sync-users',
      counts: { read: expect.any(Number), inserted: expect.any(Number) },
    })
    const logged = err
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(logged.map(line => line.msg)).toEqual(expect.arrayContaining(['run started', 'run succeeded']))
  })

  test('marks the JSON of a dry run', async ({ home }) => {
    const dry = await run(home.env, 'run', 'sync-users', '--dry-run', '--json')
    expect(JSON.parse(dry.out)).toMatchObject({ job: 'sync-users', dryRun: true, counts: expect.anything() })
  })

  test('of an unknown job ends with 2 and names the jobs', async ({ home }) => {
    expect(await run(home.env, 'run', 'sync-all')).toEqual({
      code: 2,
      out: '',
      err: 'There is no job "sync-all": the jobs are sync-users, sync-topics, sync-articles, bootstrap-account\n',
    })
  })

  test('with a payload that the job does not know ends with 2', async ({ home }) => {
    const { code, err } = await run(home.env, 'run', 'sync-users', '--payload', '{"since":1}')
    expect(err).toMatch(/^The payload of sync-users is invalid \(.*"since"\)\n$/)
    expect(code).toBe(2)
  })

  test('that the gate refuses ends with 3 and the sentence, on stderr and in the JSON document', async ({
    sandbox,
    home,
  }) => {
    sandbox.idp.setRoles('sync-worker', ['editor'])
    const sentence = expect.stringMatching(
      /^Role "viewer" is not in the token's allowed roles \(editor\): assign it to the service account in client "phonemos-hasura"/,
    )
    expect(await run(home.env, 'run', 'sync-users')).toEqual({ code: 3, out: '', err: sentence })
    const { code, out } = await run(home.env, 'run', 'sync-users', '--json')
    expect(code).toBe(3)
    expect(JSON.parse(out)).toEqual({ error: { code: 'job-roles', message: sentence } })
    sandbox.idp.setRoles('sync-worker', ['viewer'])
    expect((await run(home.env, 'holds', '--json')).out).toBe('[]\n')
  })

  test.for<
    [string, (sandbox: Sandbox) => void | Promise<void>, (sandbox: Sandbox) => void | Promise<void>, 1 | 3, RegExp]
  >([
    [
      'a wrong secret',
      sandbox => sandbox.idp.rotateSecret('sync-worker', 'another'),
      sandbox => sandbox.idp.rotateSecret('sync-worker', 'secret-of-sync-worker'),
      3,
      /^Keycloak refused client "sync-worker" at http:.*check CLIENT_ID, and compare the secret \(the secret file .*wrong, was rotated, or has expired\n$/,
    ],
    [
      'an issuer that is down',
      sandbox => sandbox.idp.stop(),
      sandbox => sandbox.idp.start(),
      1,
      /^No usable response from http:.*\(ECONNREFUSED\): check that the identity provider runs/,
    ],
    [
      'an issuer that answers HTML',
      sandbox => void sandbox.idp.fault('discovery', { kind: 'html' }),
      sandbox => sandbox.idp.clearFaults(),
      1,
      /^No usable response from http:.* with something that is not JSON \(text\/html\)/,
    ],
    [
      'a Hasura that is down',
      sandbox => sandbox.hasura.stop(),
      sandbox => sandbox.hasura.start(),
      1,
      /^No response from Hasura, the connection was refused \(ECONNREFUSED\)/,
    ],
  ])('with %s ends as it should', async ([_what, breakIt, mendIt, code, sentence], { home, sandbox }) => {
    await breakIt(sandbox)
    const ended = await run(home.env, 'run', 'sync-users')
    await mendIt(sandbox)
    expect(ended.err).toMatch(sentence)
    expect(ended).toMatchObject({ code, out: '' })
  })

  test('that is interrupted says so, is recorded, and resumes from its checkpoint', async ({ sandbox, home }) => {
    const stop = new AbortController()
    sandbox.hasura.fault({ operationName: 'PullArticles', after: 2 }, { kind: 'hang' })
    const running = runWith(home.env, ['run', 'sync-articles'], { signal: stop.signal })
    await expect.poll(() => pulls(sandbox)).toHaveLength(3)
    stop.abort(new DOMException('SIGINT was received', 'AbortError'))
    expect(await running).toEqual({
      code: 1,
      out: '',
      err: 'Interrupted: committed pages stay, and the next run resumes from the checkpoint\n',
    })
    sandbox.hasura.clearFaults()
    const [first] = JSON.parse((await run(home.env, 'runs', '--json', '--limit', '1')).out)
    expect(first).toMatchObject({ job: 'sync-articles', state: 'interrupted', trigger: 'cli' })
    const before = pulls(sandbox).length
    expect((await run(home.env, 'run', 'sync-articles')).out).toMatch(/^sync-articles: (done|nothing has changed)/)
    expect(pulls(sandbox)[before]?.variables).toMatchObject({ where: { id: { _gt: expect.any(String) } } })
    const backfill = { from: '2090-01-01', to: '2091-01-01' }
    expect((await run(home.env, 'run', 'sync-articles', '--payload', JSON.stringify({ backfill }))).out).toBe(
      'sync-articles: no rows between the two cursors\n',
    )
  })

  test.runIf(canLimit)('whose embedded database ends says so and ends', async ({ sandbox }) => {
    await using own = await openHome(sandbox, 'full-disk-now')
    sandbox.hasura.fault({ operationName: 'PullArticles' }, { kind: 'hang' })
    const before = pulls(sandbox).length
    await using running = start(own.env, ['run', 'sync-articles'])
    await expect.poll(() => pulls(sandbox).length, { timeout: 20_000 }).toBeGreaterThan(before)
    // From now on no file may be written beyond its first byte.
    await promisify(execFile)('prlimit', ['--fsize=1', '--pid', String(running.pid)])
    const { code, out, err } = await running.ended
    sandbox.hasura.clearFaults()
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/The embedded database has ended \(could not write .*: check the disk of DATA_DIR.*\n$/)
  })
})

function pulls(sandbox: Sandbox) {
  return sandbox.hasura.requests.filter(request => request.operationName === 'PullArticles')
}

describe('while another command holds the embedded database', () => {
  test('the next one waits until that has ended', async ({ home }) => {
    const busy = run(home.env, 'run', 'sync-topics')
    const waiting = await run(home.env, 'runs', '--json')
    expect((await busy).code).toBe(0)
    expect(waiting.code).toBe(0)
    expect(JSON.parse(waiting.out)).toEqual(expect.any(Array))
  })
})

test('reset makes the next run read everything, and forget makes it start from nothing', async ({ home }) => {
  await run(home.env, 'run', 'sync-users')
  expect((await run(home.env, 'run', 'sync-users')).out).not.toContain('inserted')
  expect(await run(home.env, 'reset', 'sync-users')).toEqual({
    code: 0,
    out: 'The next run of sync-users for account "default" reads everything.\n',
    err: '',
  })
  expect(await run(home.env, 'forget', 'default')).toEqual({
    code: 2,
    out: '',
    err: 'Account "default" is still configured: remove it from ACCOUNTS_FILE or the environment to forget it for good, or run "npm run -s cli -- forget default --configured" to let it start again\n',
  })
  expect((await run(home.env, 'forget', 'default', '--configured')).out).toMatch(
    /^Account "default" is forgotten\.\nNot deleted, because it lies outside the worker's tables: backups/,
  )
  expect((await run(home.env, 'run', 'sync-users')).out).toContain('inserted')
  expect(await run(home.env, 'forget', 'defautl')).toMatchObject({
    code: 2,
    err: 'There is no account "defautl": did you mean default?\n',
  })
  expect(await run(home.env, 'runs', '--job', 'sync-user')).toMatchObject({
    code: 2,
    out: '',
    err: 'There is no job "sync-user": did you mean sync-users?\n',
  })
})

test('enqueue without a worker leaves the request for one', async ({ home }) => {
  const { out } = await run(home.env, 'enqueue', 'sync-topics', '--json', '--idempotency-key', 'a')
  const again = await run(home.env, 'enqueue', 'sync-topics', '--json', '--idempotency-key', 'a')
  expect(JSON.parse(out)).toEqual({ id: expect.any(String), absorbed: false })
  expect(JSON.parse(again.out)).toEqual(JSON.parse(out))
  const waiting = await run(home.env, 'enqueue', 'sync-topics', '--wait')
  expect(waiting).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^--wait needs a worker, and none is running: remove --wait, or start a worker/),
  })
})

test('reset of several accounts takes those that are named, or all', async ({ sandbox }) => {
  await using own = await openHome(sandbox, 'north')
  sandbox.idp.addClient({ clientId: 'south', clientSecret: 'secret-of-south', roles: ['viewer'] })
  const accounts = ['north', 'south'].map(name => ({
    name,
    oidcIssuer: own.env.OIDC_ISSUER,
    clientId: name,
    clientSecret: `secret-of-${name}`,
    hasuraUrl: own.env.HASURA_URL,
    ...(name === 'south' && { jobs: ['bootstrap-account', 'sync-users'] }),
  }))
  const path = join(own.folder, 'accounts.json')
  await writeFile(path, JSON.stringify({ accounts }))
  const env = { ACCOUNTS_FILE: path, DATA_DIR: own.env.DATA_DIR }
  const anew = (job: string, name: string) => `The next run of ${job} for account "${name}" reads everything.\n`
  const both = `${anew('sync-users', 'north')}${anew('sync-users', 'south')}`
  expect(await run(env, 'reset', 'sync-users')).toEqual({
    code: 2,
    out: '',
    err: 'There are several accounts: choose with --account (north, south), or give --all-accounts\n',
  })
  expect(await run(env, 'reset', 'sync-users', '--account', 'north', '--account', 'south')).toMatchObject({
    code: 0,
    out: both,
  })
  expect(await run(env, 'reset', 'sync-users', '--all-accounts')).toMatchObject({ code: 0, out: both })
  expect(await run(env, 'reset', 'sync-topics', '--all-accounts')).toEqual({
    code: 0,
    out: anew('sync-topics', 'north'),
    err: '',
  })
  expect(await run(env, 'reset', 'sync-topics', '--account', 'south', '--account', 'north')).toEqual({
    code: 2,
    out: anew('sync-topics', 'north'),
    err: 'sync-topics does not run for account "south": add it to "jobs" of the account (now sync-users, bootstrap-account)\n',
  })
  await writeFile(path, JSON.stringify({ accounts: accounts.map(account => ({ ...account, jobs: [] })) }))
  expect(await run(env, 'reset', 'sync-topics', '--account', 'south')).toMatchObject({
    code: 2,
    err: expect.stringContaining('add it to "jobs" of the account (now none)'),
  })
  const plain = accounts.map(({ hasuraUrl, jobs, ...account }) => account)
  await writeFile(path, JSON.stringify({ accounts: plain }))
  expect(await run(env, 'reset', 'sync-topics', '--account', 'south')).toEqual({
    code: 2,
    out: '',
    err: 'sync-topics does not run for account "south": set HASURA_URL, which its role needs (hasuraUrl in an accounts file)\n',
  })
})

describe.runIf(hasPostgres)('enqueue --wait, where any process may be the worker', () => {
  test('says that none is running, and stays no longer than --timeout', async ({ home }) => {
    await using database = await createDatabase()
    const env = { ...home.env, DATABASE_URL: database.url }
    // Somebody sets the machine's clock back meanwhile, again and again.
    let now = systemClock.now()
    const clock = { ...systemClock, now: () => (now -= 1_000) }
    const argv = ['enqueue', 'sync-topics', '--wait', '--timeout', '1', '--json']
    const { code, out, err } = await runWith(env, argv, { clock })
    const sentence =
      /^Request \S+ has not ended after 1 s \(waiting, but no worker is running; start a worker with "npm start"\) and stays accepted: run "npm run -s cli -- requests" to follow it, /
    const [told, ended] = err.split('\n')
    expect(told).toBe('waiting, but no worker is running; start a worker with "npm start"')
    expect(ended).toMatch(sentence)
    expect(JSON.parse(out)).toEqual({ error: { code: 'timeout', message: ended } })
    expect(code).toBe(1)
    expect((await run(env, 'enqueue', 'sync-topics', '--timeout', '1')).err).toBe(
      '--timeout has no effect without --wait: add --wait or remove --timeout\n',
    )
  })

  test('that is interrupted names the request, which a worker runs all the same', async ({ home }) => {
    await using database = await createDatabase()
    const env = { ...home.env, DATABASE_URL: database.url }
    const stop = new AbortController()
    const waiting = runWith(env, ['enqueue', 'sync-topics', '--wait'], { signal: stop.signal })
    const list = async () => JSON.parse((await run(env, 'requests', '--json')).out)
    await expect.poll(async () => (await list()).length).toBe(1)
    stop.abort(new DOMException('SIGINT was received', 'AbortError'))
    const { code, err } = await waiting
    const [{ id, state }] = await list()
    expect(err.split('\n').at(-2)).toBe(
      `Interrupted: request ${id} stays accepted: run "npm run -s cli -- requests" to follow it, or "npm run -s cli -- cancel ${id}" to cancel it`,
    )
    expect([code, state]).toEqual([1, 'waiting'])
  })
})
