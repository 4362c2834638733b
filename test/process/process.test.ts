import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tellAll } from '../../src/observer/tell-all.ts'
import { startProcess, type WorkerProcess } from '../../src/process/process.ts'
import { startLooking } from '../../src/serving/look.ts'
import { storeServedLines } from '../../src/serving/served-lines.ts'
import { type Database, openDatabase } from '../../src/store/open-database.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openDataDir } from '../fixtures/data-dir.ts'
import { newLine, openLinesAt, request } from '../fixtures/open-lines.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

const clock = systemClock
const { log } = captureLog()
const observer = tellAll([], log)
const self = { host: 'test', pid: 1, isAlone: false }
const line = {
  account: 'default',
  job: 'sync-things',
  afterBootstrap: false,
  hasSchedule: true,
  firstSlot: 1,
  slots: 4,
}

describe.runIf(hasPostgres)('a process', () => {
  const opened = new AsyncDisposableStack()
  let database: Database
  beforeAll(async () => {
    const { url } = opened.use(await createDatabase())
    database = opened.use(await openDatabase({ databaseUrl: url }, log))
  })
  afterAll(() => opened.disposeAsync())

  const expiresAt = async (id: string) => {
    const { rows } = await sql<{ at: Date }>`select expires_at as at from worker.processes where id = ${id}`.execute(
      database.heartbeatStore,
    )
    return rows[0]?.at.getTime() ?? 0
  }
  const look = (process: WorkerProcess) =>
    startLooking({
      ...{ store: database.store, clock, log, process, observer, wake() {}, async tick() {} },
      renew: () => storeServedLines(database.store, process.id, () => [line]),
    })
  const servedBy = async (id: string) => {
    const { rows } = await sql`select job from worker.served_lines where process = ${id}`.execute(database.store)
    return rows
  }

  test('stays alive while every connection for other statements is taken', async () => {
    await using process = await startProcess({ database, clock, log }, self)
    await using _looking = look(process)
    const release = Promise.withResolvers<void>()
    const taken = Array.from({ length: 12 }, () => database.store.connection().execute(() => release.promise))
    const before = await expiresAt(process.id)
    await expect.poll(() => expiresAt(process.id)).toBeGreaterThan(before + 2_000)
    release.resolve()
    await Promise.all(taken)
  })

  test('stays alive while looking for work fails, and looks again', async () => {
    await using process = await startProcess({ database, clock, log }, self)
    await sql`alter function worker.look rename to look_away`.execute(database.store)
    await using looking = look(process)
    using run = process.takeInHand()
    const before = await expiresAt(process.id)
    await expect.poll(() => expiresAt(process.id)).toBeGreaterThan(before + 1_000)
    expect(run.signal.aborted).toBe(false)
    await sql`alter function worker.look_away rename to look`.execute(database.store)
    looking.look()
  })

  test('that was taken for dead registers again with the lines that it serves', async () => {
    await using process = await startProcess({ database, clock, log }, self)
    await using _looking = look(process)
    await sql`delete from worker.processes where id = ${process.id}`.execute(database.store)
    await expect.poll(() => servedBy(process.id)).toEqual([{ job: line.job }])
  })

  test('that a restored store does not know starts without lines, which its first look stores', async () => {
    const unknown = randomUUID()
    await storeServedLines(database.store, unknown, () => [line])
    expect(await servedBy(unknown)).toEqual([])
  })

  test('stores its lines one call after the other, as they are then', async () => {
    await using process = await startProcess({ database, clock, log }, self)
    let lines = [line]
    const calls = Array.from({ length: 5 }, () => storeServedLines(database.store, process.id, () => lines))
    lines = [{ ...line, job: 'sync-others' }]
    await Promise.all(calls)
    expect(await servedBy(process.id)).toEqual([{ job: 'sync-others' }])
  })
})

test('the next owner of an embedded database takes over the runs of one that was killed at once', async () => {
  await using dataDir = await openDataDir()
  await using lines = await openLinesAt({ dataDir: dataDir.path })
  const { store } = lines
  const line = newLine()
  const killed = randomUUID()
  await sql`select worker.beat(${killed}, 'test', 1, 3600, '{}')`.execute(store)
  await lines.accept(request(line))
  const run = await lines.claim(line, killed)
  const database = { store, heartbeatStore: store, leaveConnections() {} }
  await using next = await startProcess({ database, clock, log }, { ...self, isAlone: true })
  await lines.pulse(next.id)
  expect(await lines.claim(line, next.id)).toMatchObject({ requestId: run.requestId })
})

test('the owner of an embedded database whose machine slept for hours goes on with its runs', async () => {
  await using dataDir = await openDataDir()
  await using lines = await openLinesAt({ dataDir: dataDir.path })
  const { store } = lines
  const line = newLine()
  const database = { store, heartbeatStore: store, leaveConnections() {} }
  await using owner = await startProcess({ database, clock, log }, { ...self, isAlone: true })
  const { id } = await lines.accept(request(line))
  const run = await lines.claim(line, owner.id)
  await sql`update worker.processes set expires_at = expires_at - interval '12 hours'`.execute(store)
  await sql`select worker.look(${owner.id}, ${[run.lease.runId]}::uuid[], null, 100, 100)`.execute(store)
  expect(await lines.stateOf(id)).toMatchObject({ state: 'running' })
})
