import { sql } from 'kysely'
import { Client, type QueryResult } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import { endRun } from '../../src/runs/end-run.ts'
import { fencedStatement, fencedTransaction } from '../../src/runs/lease.ts'
import { done, newLine, openLinesAt, request } from '../fixtures/open-lines.ts'
import { dumpDatabase } from '../services/dump-database.ts'
import type { ServiceHandle } from '../services/local-service.ts'
import { hasPostgres } from '../services/postgres.ts'
import { startPostgres, startStandby } from '../services/start-postgres.ts'

describe.runIf(hasPostgres)('a run that continues while its store goes back to before its last commit', () => {
  let server: ServiceHandle
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** Keeps what the database is now. @returns what makes it that again, and tells where it is then */
  const waysBack: Readonly<
    Record<string, (url: string, opened: AsyncDisposableStack) => Promise<() => Promise<string>>>
  > = {
    async 'a dump, restored into a new database that takes its name'(url, opened) {
      const dump = opened.use(await dumpDatabase(url))
      return async () => {
        await administer('create database restored')
        await dump.restoreInto(urlOf('restored'))
        await dropDatabase(nameOf(url))
        await administer(`alter database restored rename to ${nameOf(url)}`)
        return url
      }
    },
    async 'a dump, restored in the place of its tables'(url, opened) {
      const dump = opened.use(await dumpDatabase(url))
      return async () => {
        await dump.restoreInto(url, '--clean', '--single-transaction')
        return url
      }
    },
    async 'a dump of the rows alone, restored after they were deleted'(url, opened) {
      const dump = opened.use(await dumpDatabase(url))
      return async () => {
        await on(url, deleteRows)
        await dump.restoreInto(url, '--data-only', '--disable-triggers', '--single-transaction', '--schema=worker')
        return url
      }
    },
    async 'a copy of the database that takes its name'(url) {
      await disconnect(nameOf(url))
      await administer(`create database copied template ${nameOf(url)}`)
      return async () => {
        await dropDatabase(nameOf(url))
        await administer(`alter database copied rename to ${nameOf(url)}`)
        return url
      }
    },
    async 'a standby that lacks the last commits and is promoted'(url, opened) {
      const standby = opened.use(await startStandby(server.url))
      await expect.poll(() => follows(standby.url)).toBe(true)
      await on(standby.url, `alter system set primary_conninfo = ''`)
      await on(standby.url, 'select pg_reload_conf()')
      // Until it has read its configuration it receives what its primary commits.
      await expect.poll(() => follows(standby.url)).toBe(false)
      return async () => {
        await on(standby.url, 'select pg_promote()')
        return urlOf(nameOf(url), standby.url)
      }
    },
  }

  test.each(Object.entries(waysBack))('commits nothing: %s', async (_way, keep) => {
    await using opened = new AsyncDisposableStack()
    const name = `store_${crypto.randomUUID().replaceAll('-', '')}`
    await administer(`create database ${name}`)
    const line = newLine()
    const before = opened.use(await openLinesAt({ databaseUrl: urlOf(name) }))
    const processId = await before.newProcess()
    const { id } = await before.accept(request(line))
    const { lease } = await before.claim(line, processId)
    const write = sql`insert into worker.change_counters (mirror, last) values ('rows', 1)`

    const goBack = await keep(urlOf(name), opened)
    await expect.poll(() => fencedTransaction(before.store, lease, tx => write.execute(tx))).toBeDefined()
    const { store, ...after } = opened.use(await openLinesAt({ databaseUrl: await goBack() }))

    expect(await store.selectFrom('worker.change_counters').selectAll().execute()).toEqual([])
    expect(await after.stateOf(id)).toMatchObject({ state: 'running' })
    await expect(fencedTransaction(store, lease, tx => write.execute(tx))).rejects.toThrow(LeaseLostError)
    await expect(
      fencedStatement(
        store,
        lease,
        held => sql`insert into worker.change_counters (mirror, last) select 'rows', 1 where ${held}`,
      ),
    ).rejects.toThrow(LeaseLostError)
    expect(await endRun(store, lease.runId, done)).toBeUndefined()
    expect(await after.pulse(processId, [lease.runId])).toContainEqual(
      expect.objectContaining({ kind: 'lost', run_id: lease.runId }),
    )
    // Its process has it in hand no more.
    await after.pulse(processId, [], new Date(Date.now() + 3_600_000))
    const again = await after.claim(line, processId)
    expect(again.requestId).toBe(id)
    await fencedTransaction(store, again.lease, tx => write.execute(tx))
    expect(await endRun(store, again.lease.runId, done)).toBeDefined()
    expect(await after.stateOf(id)).toMatchObject({ state: 'done' })
  })

  function urlOf(database: string, of = server.url): string {
    const url = new URL(of)
    url.pathname = `/${database}`
    return url.href
  }

  const administer = (statement: string) => on(server.url, statement)

  async function disconnect(database: string): Promise<void> {
    await administer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`)
  }

  const dropDatabase = (database: string) => administer(`drop database ${database} with (force)`)
})

const deleteRows = `do $$
declare
  v_table regclass;
begin
  set session_replication_role = replica;
  for v_table in select c.oid from pg_class c where c.relnamespace = 'worker'::regnamespace and c.relkind = 'r' loop
    execute 'delete from ' || v_table;
  end loop;
end $$`

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1)
}

async function follows(standby: string): Promise<boolean> {
  const { rowCount } = await on(standby, 'select from pg_stat_wal_receiver')
  return rowCount !== 0
}

async function on(url: string, statement: string): Promise<QueryResult> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.query(statement)
  } finally {
    await client.end().catch(() => {})
  }
}
