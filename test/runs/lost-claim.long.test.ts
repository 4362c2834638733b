import process from 'node:process'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import { endRun } from '../../src/runs/end-run.ts'
import { fencedTransaction } from '../../src/runs/lease.ts'
import { done, newLine, openLinesAt, request } from '../fixtures/open-lines.ts'
import { hasPostgres } from '../services/postgres.ts'
import { startPostgres } from '../services/start-postgres.ts'

test.runIf(hasPostgres)(
  'a claim that a crash of the server takes back has run nothing, and its request waits again',
  async () => {
    await using server = await startPostgres()
    await using lines = await openLinesAt({ databaseUrl: server.url })
    const line = newLine()
    const processId = await lines.newProcess()
    const { id } = await lines.accept(request(line))
    const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity where backend_type = 'walwriter'`.execute(lines.store)
    const writer = rows[0]?.pid ?? 0
    expect(writer).toBeGreaterThan(1)

    process.kill(writer, 'SIGSTOP')
    const { lease } = await lines.claim(line, processId)
    // Postgres ends all its processes then, and recovers what they have written.
    process.kill(writer, 'SIGKILL')

    await expect.poll(() => lines.stateOf(id).catch(() => undefined)).toMatchObject({ state: 'waiting' })
    await expect(fencedTransaction(lines.store, lease, async () => {})).rejects.toThrow(LeaseLostError)
    expect(await endRun(lines.store, lease.runId, done)).toBeUndefined()
    expect(await lines.pulse(processId, [lease.runId])).toContainEqual(
      expect.objectContaining({ kind: 'lost', run_id: lease.runId }),
    )
    const again = await lines.claim(line, processId)
    expect(again.requestId).toBe(id)
    expect(await endRun(lines.store, again.lease.runId, done)).toBeDefined()
    expect(await lines.stateOf(id)).toMatchObject({ state: 'done' })
  },
)
