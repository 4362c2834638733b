import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { ensureMirrorTable, type MirrorTable } from '../../../src/mirror/mirror-table.ts'
import { beginFullRead, findFullRead } from '../../../src/pull/full/full-read-record.ts'
import { countMissing, findUnsettled, listUnsettled } from '../../../src/pull/full/stage-keys.ts'
import { fencedTransaction } from '../../../src/runs/lease.ts'
import { appTest } from '../../fixtures/app-test.ts'
import { preferredStore } from '../../fixtures/open-test-app.ts'
import { takeLine } from '../../fixtures/take-line.ts'

const test = appTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })
  .extend('backend', preferredStore)

test('many keys are compared in seconds, although Postgres expects a few, and however short other statements must be', async ({
  app,
}) => {
  const lease = await takeLine(app.deps, `account-${randomUUID()}`, 'sync-many')
  const { account, job } = lease
  const table: MirrorTable = { name: 'many', key: ['id'], columns: [{ name: 'id', type: 'bigint' }] }
  await fencedTransaction(app.deps.store, lease, async tx => {
    await ensureMirrorTable(tx, table)
    const key = { account, job, dryRun: false }
    const begun = { definition: '', startedAt: '', high: undefined, total: undefined, staged: true, requestId: '' }
    await beginFullRead(tx, key, { purpose: 'sweep', ...begun })
    const read = (await findFullRead(tx, key)) ?? expect.fail()
    await sql`insert into mirror.many (_account, id, _synced_at, _change)
      select ${account}, n, now(), n from generate_series(1, 50000) n`.execute(tx)
    await sql`insert into worker.staged_keys (read_id, key)
      select ${read.id}, array[n::text] from generate_series(2, 50001) n`.execute(tx)
    // Row by row it would take minutes.
    await sql`set local statement_timeout = '10ms'`.execute(tx)
    expect(await countMissing(tx, read.id, table, account)).toEqual({ here: 50_000, missingThere: 1 })
    expect(await listUnsettled(tx, read, table, account, undefined, 50_000)).toBe(2)
    const unsettled = await findUnsettled(tx, read.id, 10)
    expect(unsettled.map(each => each.key)).toEqual([['50001'], ['1']])
  })
})
