import { type Database, openDatabase } from '../../src/store/open-database.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openDataDir } from '../fixtures/data-dir.ts'

/** An embedded store in a folder of its own, which goes with it. */
export async function openTestStore(): Promise<Database> {
  const dataDir = await openDataDir()
  const database = await openDatabase({ dataDir: dataDir.path }, captureLog().log)
  return {
    ...database,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]()
      await dataDir[Symbol.asyncDispose]()
    },
  }
}
