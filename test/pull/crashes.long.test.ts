import { randomInt, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { type CommandProcess, type CommandProcesses, openCommandProcesses } from '../fixtures/command-processes.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { openPool } from '../services/open-pool.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

const accounts = Array.from({ length: 30 }, (_, n) => ({ name: `account-${n}`, subject: randomUUID() }))
type Account = (typeof accounts)[number]

interface Fixture extends AsyncDisposable {
  readonly sandbox: Sandbox
  readonly processes: CommandProcesses
  readonly store: pg.Pool
}

/**
 * Real processes on a real Postgres; the source has old rows besides those of its seed, a hundred to a page, of which a
 * complete scan reads each once and never again.
 */
async function open(rows: number): Promise<Fixture> {
  await using opened = new AsyncDisposableStack()
  const database = opened.use(await createDatabase())
  const sandbox = opened.use(
    await openSandbox({
      clients: accounts.map(({ name, subject }) => ({
        ...{
          clientId: name,
          clientSecret: `secret-of-${name}`,
          subject,
          roles: ['viewer'],
          email: `${name}@wiki.example`,
        },
      })),
    }),
  )
  await sandbox.hasura.sql(`insert into articles (topic_id, title, status, revision, metadata, updated_at)
    select 'b0000000-0000-4000-8000-000000000001', 'Bulk ' || n, 'published', 9007199254740993 + n,
      jsonb_build_object('n', 0.1 + n), timestamptz '2025-09-01 00:00:00.000001+00' + (n / 250) * interval '1 second'
    from generate_series(1, ${rows}) n`)
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-crashes-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'accounts.json')
  const settings = accounts.map(({ name }) => ({
    ...{ name, clientId: name, clientSecret: `secret-of-${name}` },
    ...{ oidcIssuer: sandbox.idp.issuer, hasuraUrl: sandbox.hasura.url },
  }))
  await writeFile(file, JSON.stringify({ accounts: settings }))
  const store = openPool(database.url, 3)
  opened.defer(() => store.end())
  const processes = opened.use(openCommandProcesses({ DATABASE_URL: database.url, ACCOUNTS_FILE: file }))
  const closing = opened.move()
  return { sandbox, processes, store, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

type Payload = { readonly sweep?: true }

const start = ({ processes }: Fixture, { name }: Account, payload: Payload = {}) =>
  processes.start(['run', 'sync-articles', '--account', name, '--payload', JSON.stringify(payload)])

async function finish(fixture: Fixture, account: Account, payload?: Payload): Promise<void> {
  expect(await start(fixture, account, payload).ended).toMatchObject({ code: 0 })
}

/** Tells how often a process that is started now has asked the API. */
function watchRequests({ sandbox }: Fixture, { subject }: Account) {
  const { requests } = sandbox.hasura
  const begun = requests.length
  return () => requests.slice(begun).filter(({ userId }) => userId === subject).length
}

/** In the place of the six seconds after which a process that isn't heard of is taken for dead. */
async function takeForDead({ store }: Fixture, { pid }: CommandProcess): Promise<void> {
  await store.query("update worker.processes set expires_at = now() - interval '1 second' where pid = $1", [pid])
}

const columns = `id::text, topic_id::text, author_id::text, title, body, status, revision::text, rating::text, metadata::text,
  (published_at at time zone 'utc')::text, (created_at at time zone 'utc')::text, (updated_at at time zone 'utc')::text`
const digest = (table: string, where: string) => `
  select count(*)::int as rows, md5(string_agg(md5(row(${columns})::text), '' order by id::text collate "C")) as digest
  from ${table} where ${where}`

async function expectEqual({ sandbox, store }: Fixture, { name }: Account): Promise<void> {
  const mirror = await store.query(digest('mirror.articles', `_account = '${name}' and _deleted_at is null`))
  expect([name, mirror.rows]).toEqual([name, await sandbox.hasura.sql(digest('articles', "status = 'published'"))])
}

function chooseSeed(): number {
  const seed = Number(process.env.TEST_SEED ?? randomInt(2 ** 31))
  console.info(`TEST_SEED=${seed} repeats these moments`)
  return seed
}

/** Numbers that are the same again for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** @returns false when it had ended by itself before */
async function killOnce(fixture: Fixture, account: Account, random: () => number, payload?: Payload): Promise<boolean> {
  const asked = watchRequests(fixture, account)
  const run = start(fixture, account, payload)
  let hasEnded = false
  const ended = run.ended.then(({ code, stderr }) => {
    hasEnded = true
    if (code !== 0 && code !== null) throw new Error(`a run that nobody killed ended with ${code}: ${stderr}`)
    return code === null
  })
  // One in ten dies while it starts, the others while they read.
  const moment = random() < 0.1 ? 0 : 1 + Math.floor(random() * 30)
  const pauseMs = random() * (moment === 0 ? 1_500 : 15)
  const kill = async () => {
    await expect.poll(() => hasEnded || asked() >= moment, { interval: 2 }).toBe(true)
    await delay(pauseMs)
    run.signal('SIGKILL')
  }
  const [wasKilled] = await Promise.all([ended, kill()])
  await takeForDead(fixture, run)
  return wasKilled
}

const changeRows = ({ sandbox }: Fixture, random: () => number) =>
  sandbox.hasura.sql(`update articles set title = title || '*', updated_at = clock_timestamp()
    where id in (select id from articles where status = 'published' order by md5(id::text || '${random()}') limit 20)`)

describe.runIf(hasPostgres)('a run in a process that', () => {
  test('is killed, fifty times at random moments, loses no row and writes none twice', async () => {
    const seed = chooseSeed()
    const rows = 8_000
    await using fixture = await open(rows)
    expect(await fixture.processes.start(['migrate']).ended).toMatchObject({ code: 0 })

    const begun = fixture.sandbox.hasura.requests.length
    const queue = [...accounts]
    const read: Account[] = []
    let kills = 0
    async function readAndKill(random: () => number): Promise<void> {
      while (kills < 50) {
        const account = queue.shift() ?? expect.fail('more accounts are needed')
        read.push(account)
        while (kills < 50 && (await killOnce(fixture, account, random))) {
          kills += 1
          await changeRows(fixture, random)
        }
      }
    }
    await Promise.all([readAndKill(randomNumbers(seed)), readAndKill(randomNumbers(seed + 1))])
    // Each went on where the one before was: the pages that were on their way were read twice, and no others.
    const { requests } = fixture.sandbox.hasura
    const pages = requests.slice(begun).filter(({ operationName }) => operationName === 'PullArticles')
    expect(pages.length).toBeLessThan(read.length * (rows / 100 + 20) + kills * 10)

    for (const account of read) {
      // What was changed while everything was read is found by the next run.
      await finish(fixture, account)
      await finish(fixture, account)
      await expectEqual(fixture, account)
    }
  })

  test('is killed, ten times while it looks for what no cursor tells, finds all of it', async () => {
    const random = randomNumbers(chooseSeed())
    await using fixture = await open(2_000)
    const [account = expect.fail()] = accounts
    await finish(fixture, account)
    for (let kills = 0; kills < 10; ) {
      await fixture.sandbox.hasura.sql(`delete from articles
        where id in (select id from articles where title like 'Bulk%' order by md5(id::text || '${random()}') limit 7)`)
      await fixture.sandbox.hasura.sql(`insert into articles (topic_id, title, status, updated_at)
        select 'b0000000-0000-4000-8000-000000000001', 'Late', 'published', '2025-08-01' from generate_series(1, 7)`)
      if (await killOnce(fixture, account, random, { sweep: true })) kills += 1
    }
    // One that goes on has read a part of the keys before the last rows were deleted.
    await finish(fixture, account, { sweep: true })
    await finish(fixture, account, { sweep: true })
    await expectEqual(fixture, account)
  })

  test.each(['while another reads on', 'when another has read to the end'])(
    'is stopped for longer than its lease lasts, and goes on %s, writes nothing any more',
    async moment => {
      await using fixture = await open(3_000)
      for (const account of accounts.slice(0, 2)) {
        const asked = watchRequests(fixture, account)
        const stopped = start(fixture, account)
        await expect.poll(() => asked() >= 10, { interval: 2 }).toBe(true)
        stopped.signal('SIGSTOP')
        await takeForDead(fixture, stopped)
        // What the stopped one has in its hands is old from now on.
        await fixture.sandbox.hasura.sql("update articles set title = title || '!' where status = 'published'")
        const askedBefore = asked()
        const other = start(fixture, account)
        if (moment === 'while another reads on') {
          await expect.poll(() => asked() >= askedBefore + 10, { interval: 2 }).toBe(true)
        } else {
          expect(await other.ended).toMatchObject({ code: 0 })
        }
        stopped.signal('SIGCONT')
        expect(await stopped.ended).toMatchObject({ code: 1 })
        expect(await other.ended).toMatchObject({ code: 0 })
        await finish(fixture, account)
        await expectEqual(fixture, account)
      }
    },
  )
})
