import { rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { commandGroups, commands } from '../../src/cli/commands.ts'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { createLiveTerminal } from '../../src/cli/live-terminal.ts'
import { parseArguments } from '../../src/cli/parse-arguments.ts'
import { createRunLog } from '../../src/dashboard/run-log.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { createControlClient } from '../../src/http/control-client.ts'
import { createControl } from '../../src/http/create-control.ts'
import { reserveRequest } from '../../src/runs/requests.ts'
import { reconcileSchedules } from '../../src/schedules/scheduler.ts'
import { systemClock } from '../../src/time/clock.ts'
import { appTest } from '../fixtures/app-test.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { untilAborted } from '../fixtures/until-aborted.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'

const exportArticles = defineJob({
  name: 'export-articles',
  payload: z.strictObject({ n: z.int().optional() }),
  schedule: { everySeconds: 300, missed: 'skip' },
  async run() {
    return {}
  },
})
const reportUsers = defineJob({
  name: 'report-users',
  payload: z.strictObject({}),
  schedule: { cron: '0 6 * * *', zone: 'Europe/Zurich' },
  async run() {
    return {}
  },
})
const slow = defineJob({
  name: 'slow',
  payload: z.strictObject({}),
  run: (_session, { signal }) => untilAborted(signal),
})
const onDemand = defineJob({ name: 'on-demand', payload: z.strictObject({}), run: async () => ({}) })

type Door = 'here' | 'socket'

const test = appTest
  .extend('appOptions', { scope: 'file' }, { jobs: [exportArticles, reportUsers, onDemand, slow], firstLogin: null })
  .extend('doors', { scope: 'file' }, async ({ apps, closing }) => {
    const { operations, logged } = await apps('embedded')
    const socketPath = join(tmpdir(), `hasura-sync-worker-${process.pid}-requests.sock`)
    closing.defer(() => rm(socketPath, { force: true }))
    const control = closing.use(createControl({ operations, log: logged.log }))
    await control.listen({ path: socketPath })
    return { here: operations, socket: createControlClient(socketPath) }
  })
  .extend('emptied', { auto: true }, async ({ app }, { onCleanup }) => {
    onCleanup(async () => {
      await sql`delete from worker.requests`.execute(app.deps.store)
      await sql`delete from worker.schedules`.execute(app.deps.store)
    })
  })
  /**
   * @param answer of a person at the terminal; without one nobody can be asked
   * @param seen gets what is told while the command runs
   */
  .extend(
    'run',
    ({ app, doors }) =>
      async (door: Door, argv: readonly string[], answer?: string, seen: string[] = []) => {
        let out = ''
        let err = ''
        const asked: string[] = []
        const terminal = createLiveTerminal({
          out: text => {
            out += text
          },
          err: text => {
            err += text
            seen.push(text)
          },
          isInteractive: answer !== undefined,
          hasColors: false,
          ...(answer !== undefined && {
            async ask(question: string) {
              asked.push(question)
              return answer
            },
          }),
        })
        const operations = doors[door]
        const { log } = app.logged
        try {
          const found = parseArguments({ commands, groups: commandGroups, version: '1.2.3', columns: 100 }, argv)
          if (!found.command) throw new Error('no command')
          const code = await found.command.prepare(found.given).run({
            version: '1.2.3',
            config: app.config,
            env: {},
            envFile: undefined,
            loadDefinitions: async () => ({ jobs: [], firstLogin: undefined }),
            host: {
              clock: systemClock,
              log,
              hostname: hostname(),
              pid: 1,
              uid: undefined,
              project: wikiProject,
              readSecretFile: async () => '',
              env: {},
            },
            log,
            runLog: createRunLog(),
            terminal,
            signal: AbortSignal.timeout(20_000),
            onHangup: () => () => {},
            withOperations: work => work(operations),
          })
          return { code, out, err, asked }
        } catch (error) {
          return {
            code: exitCodeOf(error),
            out,
            err: `${err}${error instanceof Error ? error.message : error}\n`,
            asked,
          }
        }
      },
  )

async function ask(app: TestApp, n: number): Promise<string> {
  const wanted = { job: 'export-articles', account: undefined, payload: { n }, trigger: 'cli', caller: 'cli' } as const
  return (await app.operations.makeRequest(wanted)).id
}

async function askFailed(app: TestApp, n: number): Promise<string> {
  const id = await ask(app, n)
  await sql`update worker.requests set state = 'failed', ended_at = now(), error_code = 'x', error_found = 'It broke'
    where id = ${id}`.execute(app.deps.store)
  return id
}

async function statesOf(app: TestApp): Promise<Record<string, number>> {
  const { rows } = await sql<{ state: string; count: number }>`
    select state, count(*)::int as count from worker.requests group by state`.execute(app.deps.store)
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}

describe.each(['here', 'socket'] as const)('requests, asked %s,', door => {
  test('are listed with their age and with what they wait for, and filtered', async ({ app, run }) => {
    const [waiting, failed] = [await ask(app, 1), await askFailed(app, 2)]
    const { out } = await run(door, ['requests'])
    const [head, first, second] = out.trimEnd().split('\n')
    expect(head).toMatch(/^request +job +account +state +trigger +priority +age +what$/)
    expect(first).toMatch(new RegExp(`^${failed} +export-articles +default +failed +cli +normal +\\d+ s +It broke$`))
    expect(second).toMatch(
      new RegExp(
        `^${waiting} +.* waits for a worker that runs export-articles for account "default": none is running$`,
      ),
    )
    const json = await run(door, [
      'requests',
      '--state',
      'failed',
      '--job',
      'export-articles',
      '--account',
      'default',
      '--json',
    ])
    expect(JSON.parse(json.out)).toMatchObject([{ id: failed, state: 'failed', failedReason: 'It broke' }])
    expect((await run(door, ['requests', '--state', 'done'])).out).toBe('no requests\n')
  })

  test.for([
    [['requests', '--job', 'export-article'], 'There is no job "export-article": did you mean export-articles?'],
    [['requests', '--account', 'defalt'], 'There is no account "defalt": did you mean default?'],
    [['cancel', '--job', 'export-article'], 'There is no job "export-article": did you mean export-articles?'],
    [['schedules', 'pause', 'report-user'], 'There is no job "report-user": did you mean report-users?'],
    [
      ['schedules', 'pause', 'on-demand'],
      'on-demand has no schedule for account "default": "npm run -s cli -- schedules" lists all schedules',
    ],
    [
      ['cancel'],
      'cancel got neither an id nor a filter: give the id of one request, or select several with --job, --account or --state',
    ],
    [
      ['retry', 'x', '--job', 'y'],
      'retry got both an id and --job, --account or --state: give either the id or the filters',
    ],
    [['cancel', 'x'], 'There is no request "x": requests that are done are kept for 7 days, failed ones for 30'],
  ] as const)('%j ends with 2 and a sentence', async ([argv, sentence], { run }) => {
    expect(await run(door, argv)).toEqual({ code: 2, out: '', err: `${sentence}\n`, asked: [] })
  })

  test('one is cancelled once; one that has ended is not', async ({ app, run }) => {
    const id = await ask(app, 1)
    expect(await run(door, ['cancel', id])).toMatchObject({ code: 0, out: `${id} cancelled\n` })
    expect(await run(door, ['cancel', id, '--json'])).toMatchObject({
      code: 0,
      out: `[{"id":"${id}","state":"cancelled"}]\n`,
    })
    const failed = await askFailed(app, 2)
    expect(await run(door, ['cancel', failed])).toMatchObject({
      code: 2,
      out: '',
      err: `Request ${failed} is failed: cancel only a request that waits or runs\n`,
    })
  })

  test('one that has ended is made again, with its payload', async ({ app, run }) => {
    const failed = await askFailed(app, 7)
    const { code, out } = await run(door, ['retry', failed])
    const made = await app.operations.getRequest({ id: out.trim() })
    expect({ code, made }).toMatchObject({
      code: 0,
      made: { state: 'waiting', trigger: 'retry', job: 'export-articles' },
    })
    expect((await run(door, ['retry', failed])).out).toBe(`${made?.id}, an equal request that was already waiting\n`)
    expect(await run(door, ['retry', out.trim()])).toMatchObject({
      code: 2,
      err: `Request ${made?.id} is waiting: only a request that has ended can be repeated\n`,
    })
  })

  test('a run in the foreground is repeated only by its command', async ({ app, run }) => {
    const id = await reserveRequest(app.deps.store, {
      account: 'default',
      job: 'export-articles',
      payload: {},
      trigger: 'cli',
      processId: app.deps.process.id,
    })
    await app.operations.cancelRequest({ id })
    expect(await run(door, ['retry', id])).toMatchObject({
      code: 2,
      err: `Request ${id} was a run in the foreground, which no worker can repeat: run "npm run -s cli -- run export-articles" again, or make a request with "npm run -s cli -- enqueue export-articles"\n`,
    })
    expect(await run(door, ['retry', '--state', 'cancelled', '--yes'])).toMatchObject({
      code: 0,
      out: 'nothing changed\n',
      err: 'no requests\n',
    })
  })

  test('several are shown and counted, and cancelled when a person says so', async ({ app, run }) => {
    for (const n of [1, 2, 3]) await ask(app, n)
    await askFailed(app, 4)
    const no = await run(door, ['cancel', '--job', 'export-articles'], '')
    expect(no).toMatchObject({ code: 0, out: 'nothing changed\n', asked: ['Cancel 3 requests? [y/N] '] })
    expect(no.err.trimEnd().split('\n')).toHaveLength(5)
    expect(no.err).toMatch(/\n3 requests\n$/)
    expect(await statesOf(app)).toEqual({ waiting: 3, failed: 1 })
    expect((await run(door, ['cancel', '--job', 'export-articles'], 'y')).out).toBe('3 cancelled\n')
    expect(await statesOf(app)).toEqual({ cancelled: 3, failed: 1 })
  })

  test('several need --yes where nobody can be asked', async ({ app, run }) => {
    for (const n of [1, 2]) await askFailed(app, n)
    const refused = await run(door, ['retry', '--state', 'failed', '--job', 'export-articles'])
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toMatch(
      /\n2 requests\nNo terminal to ask whether to retry 2 requests: give --yes to skip the question\n$/,
    )
    expect(await statesOf(app)).toEqual({ failed: 2 })
    const { out } = await run(door, ['retry', '--state', 'failed', '--job', 'export-articles', '--yes', '--json'])
    expect(JSON.parse(out)).toMatchObject([{ absorbed: false }, { absorbed: false }])
    expect(await statesOf(app)).toEqual({ failed: 2, waiting: 2 })
    expect((await run(door, ['retry', '--account', 'default', '--yes'])).out).toBe('nothing changed\n')
  })

  test('has the priority that enqueue was given', async ({ app, run }) => {
    const { out } = await run(door, ['enqueue', 'export-articles', '--priority', 'high'])
    expect(await app.operations.getRequest({ id: out.trim() })).toMatchObject({ priority: 'high' })
  })
})

test('enqueue --wait says what it waits for when that changes, and ends with a sentence when it is cancelled', async ({
  app,
  run,
}) => {
  await using _serving = await app.serve()
  const first = await app.operations.makeRequest({
    job: 'slow',
    account: undefined,
    payload: undefined,
    trigger: 'http',
    caller: 'http',
  })
  await expect.poll(async () => (await app.operations.getRequest({ id: first.id })).state).toBe('running')
  const seen: string[] = []
  const waiting = run('socket', ['enqueue', 'slow', '--wait'], undefined, seen)
  const newest = async () => (await app.operations.listRequests({ job: 'slow', limit: 1 }))[0]
  await expect.poll(async () => (await newest())?.id !== first.id).toBe(true)
  const second = await newest()
  await expect.poll(() => seen).toHaveLength(1)
  await app.operations.cancelRequest({ id: first.id })
  await expect.poll(() => seen.some(line => line.includes('running'))).toBe(true)
  await app.operations.cancelRequest({ id: second?.id ?? '' })
  expect(await waiting).toEqual({
    code: 1,
    out: `${second?.id} cancelled\n`,
    // A look may come between the end of one run and the start of the next.
    err: expect.stringMatching(
      new RegExp(
        `^waiting for the run of slow that is active now\n(?:waiting for the next look of a worker with a free slot\n)?running\nRequest ${second?.id} was cancelled: run "npm run -s cli -- retry ${second?.id}" to repeat it\n$`,
      ),
    ),
    asked: [],
  })
})

describe.each(['here', 'socket'] as const)('schedules, asked %s,', door => {
  test('are listed before a worker has stored them, and those of another version after it', async ({ app, run }) => {
    expect((await run(door, ['schedules'])).out.trimEnd().split('\n')).toEqual(
      [
        'job              account  rule                                 next due             last tick  missed',
        'export-articles  default  every 5 min, skips missed ticks      when a worker starts  -          0',
        'report-users     default  cron "0 6 * * *" in Europe/Zurich    when a worker starts  -          0',
      ].map(line =>
        expect.stringMatching(new RegExp(`^${line.replaceAll(/[*?]/g, '\\$&').replaceAll(/ {2,}/g, ' +')}$`)),
      ),
    )
    await sql`insert into worker.schedules (account, job, rule, next_run_at, missed, last_missed_at)
      values ('default', 'old-job', 'every 60 s', '2026-01-01Z', 4, '2026-01-02Z')`.execute(app.deps.store)
    expect(JSON.parse((await run(door, ['schedules', '--json'])).out)[1]).toEqual({
      job: 'old-job',
      account: 'default',
      rule: 'every 60 s',
      nextDueAt: '2026-01-01T00:00:00.000Z',
      lastRunAt: null,
      missed: 4,
      lastMissedAt: '2026-01-02T00:00:00.000Z',
      paused: false,
    })
  })

  test('are paused and resumed, also before a worker has stored them', async ({ app, run }) => {
    expect(await run(door, ['schedules', 'pause', 'export-articles', '--account', 'default'])).toMatchObject({
      code: 0,
      out: 'The schedule of export-articles for account "default" is paused.\n',
    })
    const schedule = { account: 'default', job: 'export-articles', rule: { everySeconds: 300 } }
    await reconcileSchedules(app.deps.store, [schedule])
    expect(JSON.parse((await run(door, ['schedules', '--json'])).out)).toMatchObject([
      { job: 'export-articles', paused: true, nextDueAt: null },
      { job: 'report-users', paused: false },
    ])
    await sql`update worker.schedules set next_run_at = now() - interval '1 day'`.execute(app.deps.store)
    const resumed = await run(door, ['schedules', 'resume', 'export-articles', '--json'])
    const { nextDueAt: dueAt } = z.object({ nextDueAt: z.string() }).parse(JSON.parse(resumed.out))
    // What was paused wasn't missed.
    expect(Date.now() - Date.parse(dueAt)).toBeLessThan(3_600_000)
  })
})
