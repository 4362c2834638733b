import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { startProcess } from '../../src/process/process.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { systemClock as clock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { hasPostgres } from '../services/postgres.ts'
import { startPostgres } from '../services/start-postgres.ts'

const { log } = captureLog()
const self = { host: 'test', pid: 1, isAlone: false }

describe.runIf(hasPostgres)('while Postgres accepts connections and answers nothing', () => {
  test('a process aborts its runs, leaves its connections, and works again when it is answered', async () => {
    await using postgres = await startPostgres()
    await using opened = await openDatabase({ databaseUrl: postgres.url }, log)
    await using process = await startProcess({ database: opened, clock, log }, self)
    using run = process.takeInHand()
    const aborted = new Promise(resolve => run.signal.addEventListener('abort', resolve))
    postgres.pause()
    // Each would wait for two minutes, and nobody else would get a connection.
    const statements = Array.from({ length: 12 }, () => sql`select 1`.execute(opened.store))
    const outcomes = Promise.allSettled(statements)
    await aborted
    expect(new Set((await outcomes).map(({ status }) => status))).toEqual(new Set(['rejected']))
    using during = process.takeInHand()
    expect(during.signal.aborted).toBe(true)
    postgres.resume()
    await expect
      .poll(() => {
        using after = process.takeInHand()
        return after.signal.aborted
      })
      .toBe(false)
    expect((await sql`select 1 as one`.execute(opened.store)).rows).toEqual([{ one: 1 }])
  })
})
