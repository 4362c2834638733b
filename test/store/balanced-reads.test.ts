import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { ConfigError, TransientError } from '../../src/errors.ts'
import { findBalancedReads } from '../../src/store/balanced-reads.ts'
import { inspectDatabase } from '../../src/store/inspect-database.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { pgpoolServer, startPgpool } from '../services/start-pgpool.ts'
import { startPostgres, startStandby } from '../services/start-postgres.ts'

const { log } = captureLog()
const told = /behind a pooler that sends reads to a standby/

describe.runIf(hasPostgres)('reads', () => {
  test('of a server that takes no writes are not taken for those of a pooler', async () => {
    await using readOnly = await createDatabase({ settings: { default_transaction_read_only: 'on' } })
    const client = new pg.Client(readOnly.url)
    await client.connect()
    try {
      expect(await findBalancedReads(client)).toBeUndefined()
    } finally {
      await client.end()
    }
  })

  test.runIf(pgpoolServer)('that Pgpool-II sends to a standby are refused', async () => {
    await using opened = new AsyncDisposableStack()
    const primary = opened.use(await startPostgres())
    const standby = opened.use(await startStandby(primary.url))
    const pooler = opened.use(await startPgpool(primary.url, standby.url))

    const opening = openDatabase({ databaseUrl: pooler.url }, log)
    await expect(opening).rejects.toThrow(told)
    await expect(opening).rejects.toThrow(ConfigError)
    expect(await inspectDatabase(pooler.url)).toMatchObject({ problem: { found: expect.stringMatching(told) } })

    const remedy = { app_name_redirect_preference_list: 'hasura-sync-worker:primary' }
    const asTold = opened.use(await startPgpool(primary.url, standby.url, remedy))
    const { store } = opened.use(await openDatabase({ databaseUrl: asTold.url }, log))
    expect(await inspectDatabase(asTold.url)).toMatchObject({ problem: undefined })

    // While a worker runs, a standby is added, for instance. A run that meets it must not fail for good.
    await asTold.stop()
    opened.use(await startPgpool(primary.url, standby.url, { port: new URL(asTold.url).port }))
    const refusal = await failureOf(store.selectFrom('worker.processes').selectAll().execute())
    expect(refusal).toBeInstanceOf(TransientError)
    expect(refusal.message).toMatch(told)
  })
})
