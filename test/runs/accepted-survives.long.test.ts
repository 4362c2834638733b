import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { DatabaseLocation } from '../../src/store/open-database.ts'
import { openDataDir } from '../fixtures/data-dir.ts'
import { openLinesAt } from '../fixtures/open-lines.ts'
import { postgresServer, startPostgres } from '../services/start-postgres.ts'

const script = fileURLToPath(new URL('../fixtures/accept-until-killed.ts', import.meta.url))
/** Enough that the kill comes in the middle of accepting. */
const enough = 50

/** @returns the ids that the process was told before `kill` ended it or its store */
async function acceptUntil(kill: (pid: number) => void | Promise<void>, place: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, [script, ...place], { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = once(child, 'exit')
  const ids: string[] = []
  for await (const id of createInterface({ input: child.stdout })) {
    ids.push(id)
    if (ids.length === enough) await kill(child.pid ?? expect.fail())
  }
  await exited
  return ids
}

async function expectStored(location: DatabaseLocation, ids: readonly string[]): Promise<void> {
  await using lines = await openLinesAt(location)
  const rows = await lines.store.selectFrom('worker.requests').select('id').execute()
  const stored = new Set(rows.map(({ id }) => id))
  expect(ids.length).toBeGreaterThanOrEqual(enough)
  expect(ids.filter(id => !stored.has(id))).toEqual([])
}

test('every accepted request is in the embedded store after its process was killed', async () => {
  await using dataDir = await openDataDir()
  const ids = await acceptUntil(pid => void process.kill(pid, 'SIGKILL'), ['embedded', dataDir.path])
  await expectStored({ dataDir: dataDir.path }, ids)
})

test.runIf(postgresServer)('every accepted request is in Postgres after its server was killed', async () => {
  await using server = await startPostgres({ fsync: 'on', full_page_writes: 'on' })
  const ids = await acceptUntil(() => server.kill(), ['postgres', server.url])
  await server.start()
  await expectStored({ databaseUrl: server.url }, ids)
})
