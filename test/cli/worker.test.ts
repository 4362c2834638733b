import { execFile } from 'node:child_process'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { readEngineManifest } from '../../src/init/engine-package.ts'
import { systemClock } from '../../src/time/clock.ts'
import { canRun } from '../fixtures/can-run.ts'
import { copyCheckout } from '../fixtures/copy-project.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { openHome, run, runWith, start, startProcess, startWorker, untilReady } from './run-command.ts'

const { version } = await readEngineManifest(new URL('../../', import.meta.url))

const test = sandboxTest
  .extend('sandboxOptions', { scope: 'file' }, { tokenLifetimeSeconds: 5 })
  .extend('pulls', ({ sandbox }) => () => {
    return sandbox.hasura.requests.filter(request => request.operationName === 'PullArticles')
  })

test.afterEach(({ sandbox }) => sandbox.hasura.clearFaults())

test('while a worker runs, the other commands speak to it, and it ends soon when it is idle', async ({ sandbox }) => {
  await using home = await openHome(sandbox, 'shared')
  const { env } = home
  await using worker = await startWorker({ ...env, DATABASE_ULR: 'postgres://db/worker' })
  expect(worker.err()).toContain('DATABASE_ULR is set, but the worker itself reads no variable of that name')
  expect((await stat(join(env.DATA_DIR, 'control.sock'))).mode & 0o777).toBe(0o600)

  const bootstrap = await run(env, 'bootstrap', '--wait', '--json')
  expect(bootstrap.code).toBe(0)
  expect(JSON.parse(bootstrap.out)).toMatchObject({ job: 'bootstrap-account', state: 'done' })

  const second = await start({ ...env, PORT: '0' }, ['worker']).ended
  expect(second.code).toBe(2)
  const [began = '', ...told] = second.err.split('\n')
  expect(JSON.parse(began)).toMatchObject({ msg: `hasura-sync-worker ${version}`, version })
  expect(told.join('\n')).toBe(
    `DATA_DIR ${env.DATA_DIR} belongs to another process, and an embedded database can have only one owner: stop that process, or set DATABASE_URL to share a Postgres\n`,
  )

  const foreground = await run(env, 'run', 'sync-users', '--full', '--json')
  expect(foreground.code).toBe(0)
  expect(JSON.parse(foreground.out)).toMatchObject({ job: 'sync-users', counts: { inserted: 0 } })
  const waited = await run(env, 'enqueue', 'sync-topics', '--wait', '--json')
  expect(JSON.parse(waited.out)).toMatchObject({ job: 'sync-topics', state: 'done', trigger: 'cli' })

  expect(await run(env, 'run', 'sync-all')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^There is no job "sync-all"/),
  })
  expect(await run(env, 'run', 'sync-users', '--payload', '{"a":1}')).toMatchObject({ code: 2 })
  expect(await run(env, 'enqueue', 'sync-all')).toMatchObject({ code: 2 })
  expect(await run(env, 'enqueue', 'sync-users', '--account', 'x')).toMatchObject({ code: 2 })

  sandbox.idp.setRoles('shared', ['editor'])
  await expect.poll(async () => (await run(env, 'run', 'sync-users')).code).toBe(3)
  sandbox.idp.setRoles('shared', ['viewer'])

  const jobs = JSON.parse((await run(env, 'jobs', '--json')).out)
  expect(jobs.map((job: { name: string }) => job.name)).toContain('sync-articles')
  expect(JSON.parse((await run(env, 'accounts', '--json')).out)).toMatchObject([
    { name: 'default', firstLogin: 'visible', bootstrappedAt: expect.any(String) },
  ])
  expect(JSON.parse((await run(env, 'runs', '--json', '--job', 'sync-topics', '--limit', '1')).out)).toMatchObject([
    { job: 'sync-topics', state: 'succeeded' },
  ])
  const mirrored: { title: string }[] = JSON.parse((await run(env, 'rows', 'topics', '--json', '--limit', '2')).out)
  expect(mirrored).toHaveLength(2)
  const shown = await runWith(env, ['rows', 'topics', '--limit', '2'], { columns: 60 })
  expect(shown.out).toContain(mirrored[0]?.title)
  expect(shown.out).toContain('There are more rows: raise --limit, up to 1000.')
  for (const line of shown.out.split('\n')) expect(line.length).toBeLessThanOrEqual(60)
  expect(await run(env, 'rows', 'topic')).toMatchObject({
    code: 2,
    err: 'There is no mirror table "topic": did you mean topics?\n',
  })
  const changes = JSON.parse((await run(env, 'changes', 'topics', '--limit', '2', '--json')).out)
  expect(changes).toMatchObject({
    changes: [{ op: 'upsert', key: {} }, { account: 'default' }],
    position: expect.stringMatching(/^\d+$/),
  })
  const rest = await run(env, 'changes', 'topics', '--after', changes.position, '--limit', '1')
  expect(rest.err).toMatch(/^There may be more changes: give --after \d+\n$/)
  expect(await run(env, 'changes', 'topics', '--after', '999999')).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /^Position 999999 comes after the last change of mirror\.topics .*: read again from position 0/,
    ),
  })
  expect((await run(env, 'jobs')).out).toMatch(/^job +state +requirement +schedule +next due +last run/)
  expect(await run(env, 'holds', 'probe', '--job', 'sync-topics')).toEqual({ code: 0, out: 'no holds\n', err: '' })
  expect((await run(env, 'holds')).out).toBe('no holds\n')
  expect(await run(env, 'migrate')).toMatchObject({ code: 0 })
  expect(await run(env, 'reset', 'sync-users')).toMatchObject({ code: 0, err: '' })

  // A rotated secret: the token lives for seconds, so a new one is needed soon.
  sandbox.idp.rotateSecret('shared', 'rotated')
  await writeFile(home.secretFile, 'rotated\n')
  const [latest] = JSON.parse((await run(env, 'runs', '--json', '--limit', '1')).out)
  const refusedBefore = sandbox.idp.tokenRequests.length
  await expect
    .poll(async () => {
      await run(env, 'enqueue', 'sync-users', '--wait')
      return sandbox.idp.tokenRequests.length
    })
    .toBeGreaterThan(refusedBefore + 1)
  const runs: { startedAt: string; state: string }[] = JSON.parse((await run(env, 'runs', '--json')).out)
  const since = runs.filter(({ startedAt }) => startedAt > latest.startedAt).map(({ state }) => state)
  expect(since.length).toBeGreaterThan(0)
  expect(new Set(since)).toEqual(new Set(['succeeded']))
  expect((await run(env, 'holds')).out).toBe('no holds\n')

  expect(await run(env, 'forget', 'default', '--configured')).toMatchObject({ code: 0, err: '' })

  worker.kill('SIGTERM')
  expect(await worker.ended).toMatchObject({ code: 0, out: '' })
})

describe('a worker that is told to stop in the middle of a run', () => {
  test('ends soon with 0, records the run as interrupted, and resumes from its checkpoint when it is back', async ({
    sandbox,
    pulls,
  }) => {
    await using home = await openHome(sandbox, 'interrupted')
    const { env } = home
    const earlier = pulls().length
    sandbox.hasura.fault({ operationName: 'PullArticles', after: 2 }, { kind: 'hang' })
    await using worker = await startWorker(env)
    await expect.poll(() => pulls().length - earlier).toBe(3)
    worker.kill('SIGTERM')
    expect((await worker.ended).code).toBe(0)

    sandbox.hasura.clearFaults()
    const before = pulls().length
    expect(JSON.parse((await run(env, 'runs', '--json', '--job', 'sync-articles')).out)).toMatchObject([
      { state: 'interrupted' },
    ])
    await using again = await startWorker(env)
    expect((await run(env, 'enqueue', 'sync-articles', '--wait')).code).toBe(0)
    expect(pulls()[before]?.variables).toMatchObject({ where: { id: { _gt: expect.any(String) } } })
    const states = JSON.parse((await run(env, 'runs', '--json', '--job', 'sync-articles')).out)
    expect(states.map(({ state }: { state: string }) => state)).not.toContain('failed')
    again.kill('SIGTERM')
    expect((await again.ended).code).toBe(0)
  })

  test("tells a command that runs through it, and has recorded that command's run", async ({ sandbox, pulls }) => {
    await using home = await openHome(sandbox, 'foreground')
    const { env } = home
    await using worker = await startWorker(env)
    await run(env, 'bootstrap', '--wait')
    // The first tick comes right after the bootstrap, and mustn't come between.
    const ticks = async () =>
      JSON.parse((await run(env, 'runs', '--json', '--job', 'sync-articles')).out).filter(
        (each: { trigger: string; state: string }) => each.trigger === 'schedule' && each.state === 'succeeded',
      )
    await expect.poll(async () => (await ticks()).length).toBeGreaterThan(0)
    const before = pulls().length
    sandbox.hasura.fault({ operationName: 'PullArticles', times: 1 }, { kind: 'hang' })
    const running = run(env, 'run', 'sync-articles', '--json')
    await expect.poll(() => pulls().length).toBe(before + 1)
    worker.kill('SIGTERM')
    const { code, out, err } = await running
    const sentence = 'The worker is stopping, so the run was interrupted; the next one resumes from its checkpoint'
    expect(code).toBe(1)
    expect(err.endsWith(`${sentence}\n`)).toBe(true)
    expect(JSON.parse(out)).toEqual({ error: { code: 'interrupted', message: sentence } })
    expect((await worker.ended).code).toBe(0)
    sandbox.hasura.clearFaults()
    const runs = await run(env, 'runs', '--json', '--job', 'sync-articles', '--limit', '1')
    expect(JSON.parse(runs.out)).toMatchObject([{ state: 'interrupted', trigger: 'cli' }])
  })
})

test.for(['SIGINT', 'SIGHUP'] as const)(
  'a worker that gets %s twice stops as after one',
  async (signal, { sandbox }) => {
    await using home = await openHome(sandbox, `twice-${signal}`)
    await using worker = await startWorker(home.env)
    worker.kill(signal)
    await expect.poll(() => worker.err(), { interval: 1 }).toContain(`stopping (${signal} was received)`)
    worker.kill(signal)
    expect(await worker.ended).toMatchObject({ code: 0, out: '' })
  },
)

test('a worker that npm started ends when npm is told to stop', async ({ sandbox }) => {
  await using home = await openHome(sandbox, 'under-npm')
  const copy = await copyCheckout(home.folder)
  const env = { ...home.env, PORT: '0', HOME: home.folder }
  await using npm = await untilReady(startProcess(env, 'npm', ['start'], { cwd: copy, isGroup: true }))
  npm.kill('SIGTERM')
  // Its output ends with the last of those who share it: an orphan would keep it open for ever.
  const ended = await Promise.race([npm.ended, systemClock.sleep(40_000).then(() => undefined)])
  expect(ended?.err).toContain('stopping (SIGTERM was received): no new requests are claimed')
})

test.runIf(await canRun('prlimit', '--version'))(
  'a worker whose embedded database cannot write its log ends and says why, and the next one goes on',
  async ({ sandbox }) => {
    await using home = await openHome(sandbox, 'full-disk')
    const { env } = home
    await using worker = await startWorker(env)
    // From now on no file may be written beyond its first byte.
    await promisify(execFile)('prlimit', ['--fsize=1', '--pid', String(worker.pid)])
    const { code, err } = await worker.ended
    expect(code).toBe(1)
    expect(err).toMatch(/The embedded database has ended \(could not write .*: check the disk of DATA_DIR/)
    expect(err).toContain('the process ends, so that its supervisor can restart it')

    await using next = await startWorker(env)
    expect(await run(env, 'bootstrap', '--wait')).toMatchObject({ code: 0 })
    next.kill('SIGTERM')
    expect(await next.ended).toMatchObject({ code: 0 })
  },
)

test("a worker whose NODE_EXTRA_CA_CERTS can't be read says so, and works", async ({ sandbox }) => {
  await using home = await openHome(sandbox, 'unmounted')
  await using worker = await startWorker({ ...home.env, NODE_EXTRA_CA_CERTS: '/not/mounted.pem' })
  expect(worker.err()).toContain("NODE_EXTRA_CA_CERTS names /not/mounted.pem, which can't be read")
})

test('a worker whose port is taken ends with 2 and names the variables', async ({ sandbox }) => {
  await using home = await openHome(sandbox, 'no-port')
  const port = new URL(sandbox.hasura.url).port
  const { code, err } = await run({ ...home.env, PORT: port }, 'worker')
  expect(err).toBe(
    `HTTP can't listen on 127.0.0.1:${port}, because another process listens there: free the port, or set HOST and PORT\n`,
  )
  expect(code).toBe(2)
})
