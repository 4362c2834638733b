import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../../src/store/open-database.ts'
import { captureLog } from '../fixtures/captured-log.ts'

/** An embedded store in a folder of its own, which goes with it. */
export async function openTestStore(): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-test-'))
  const database = await openDatabase({ dataDir: join(folder, 'data') }, captureLog().log)
  return {
    ...database,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
