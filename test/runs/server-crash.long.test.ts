import process from 'node:process'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { fencedTransaction } from '../../src/runs/lease.ts'
import { done, newLine, openLinesAt, request } from '../fixtures/open-lines.ts'
import { hasPostgres } from '../services/postgres.ts'
import { startPostgres } from '../services/start-postgres.ts'

test.runIf(hasPostgres)('a run goes on after the database server has crashed just after its claim', async () => {
  await using server = await startPostgres()
  await using lines = await openLinesAt({ databaseUrl: server.url })
  const line = newLine()
  const processId = await lines.newProcess()
  const { id } = await lines.accept(request(line))
  const findWriter = async () => {
    const { rows } = await sql<{ pid: number }>`
      select pid from pg_stat_activity where backend_type = 'walwriter'`.execute(lines.store)
    return rows[0]?.pid
  }
  const writer = (await findWriter()) ?? expect.fail()

  // From here on only a commit that waits for the disk reaches it.
  process.kill(writer, 'SIGSTOP')
  const { lease } = await lines.claim(line, processId)
  // Postgres then ends its other processes, and recovers what was written.
  process.kill(writer, 'SIGKILL')
  await expect.poll(() => findWriter().catch(() => writer)).not.toBe(writer)
  expect(await lines.stateOf(id)).toMatchObject({ state: 'running' })

  expect(await lines.pulse(processId, [lease.runId])).not.toContainEqual(expect.objectContaining({ kind: 'lost' }))
  await fencedTransaction(lines.store, lease, async () => {})
  expect(await endRun(lines.store, lease.runId, done)).toBeDefined()
  expect(await lines.stateOf(id)).toMatchObject({ state: 'done' })
})
