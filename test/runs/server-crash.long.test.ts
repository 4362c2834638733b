import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import { endRun } from '../../src/runs/end-run.ts'
import { fencedTransaction } from '../../src/runs/lease.ts'
import { done, type Lines, newLine, openLinesAt, request } from '../fixtures/open-lines.ts'
import { hasPostgres } from '../services/postgres.ts'
import { startPostgres } from '../services/start-postgres.ts'

test.runIf(hasPostgres)(
  'a run goes on after a crash of the database server, unless the crash took its claim back',
  async () => {
    await using server = await startPostgres()
    await using lines = await openLinesAt({ databaseUrl: server.url })
    const processId = await lines.newProcess()
    const [writes, goesOn, early] = [newLine(), newLine(), newLine()]
    const { id: idOfWriting } = await lines.accept(request(writes))
    const first = await lines.accept(request(goesOn, { payload: { n: 1 } }))
    const second = await lines.accept(request(goesOn, { payload: { n: 2 } }))
    const { id } = await lines.accept(request(early))
    const writer = (await findWriter(lines)) ?? expect.fail()

    // From here on only a commit that waits for the disk reaches it.
    process.kill(writer, 'SIGSTOP')
    const writing = await lines.claim(writes, processId)
    await fencedTransaction(lines.store, writing.lease, async tx => {
      await sql`insert into worker.run_progress (run_id, progress) values (${writing.lease.runId}, '{}')`.execute(tx)
    })
    const ended = await lines.claim(goesOn, processId)
    const { next } = (await endRun(lines.store, ended.lease.runId, done, { id: randomUUID(), yields: false })) ?? {}
    const { lease } = await lines.claim(early, processId)
    // Postgres then ends its other processes, and recovers what was written.
    process.kill(writer, 'SIGKILL')
    await expect.poll(() => findWriter(lines).catch(() => writer)).not.toBe(writer)

    expect(await lines.stateOf(idOfWriting)).toMatchObject({ state: 'running' })
    expect(await lines.stateOf(id)).toMatchObject({ state: 'waiting' })
    expect(await lines.stateOf(first.id)).toMatchObject({ state: 'done' })
    expect(await lines.stateOf(second.id)).toMatchObject({ state: 'running' })
    const runs = [writing.lease.runId, next?.lease.runId ?? '', lease.runId]
    const lost = (await lines.pulse(processId, runs)).filter(row => row.kind === 'lost')
    expect(lost).toEqual([expect.objectContaining({ run_id: lease.runId })])

    await fencedTransaction(lines.store, writing.lease, async () => {})
    expect(await endRun(lines.store, writing.lease.runId, done)).toBeDefined()
    expect(await lines.stateOf(idOfWriting)).toMatchObject({ state: 'done' })

    await expect(fencedTransaction(lines.store, lease, async () => {})).rejects.toThrow(LeaseLostError)
    expect(await endRun(lines.store, lease.runId, done)).toBeUndefined()
    const again = await lines.claim(early, processId)
    expect(again.requestId).toBe(id)
    expect(await endRun(lines.store, again.lease.runId, done)).toBeDefined()
    expect(await lines.stateOf(id)).toMatchObject({ state: 'done' })
  },
)

async function findWriter({ store }: Lines): Promise<number | undefined> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity where backend_type = 'walwriter'`.execute(store)
  return rows[0]?.pid
}
