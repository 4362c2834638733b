import pg from 'pg'
import { expect, test } from 'vitest'
import { isPassingError } from '../../src/failures/sql-state.ts'
import { leaveSilent } from '../../src/store/silent-connections.ts'
import { postgresServer, startPostgres } from '../services/start-postgres.ts'

test.runIf(postgresServer)(
  'a connection that was silent is closed when it is given back, and not used again',
  async () => {
    await using postgres = await startPostgres()
    const pool = new pg.Pool({ connectionString: postgres.url, max: 1, query_timeout: 500 })
    pool.on('error', () => {})
    const leaving = leaveSilent(pool)
    const backend = async (client: pg.PoolClient) => (await client.query('select pg_backend_pid() as pid')).rows[0]?.pid
    // The pool gives a client another `release` for each use.
    for (let use = 1; use < 3; use += 1) (await leaving.connect()).release()
    const silent = await leaving.connect()
    const before = await backend(silent)
    postgres.pause()
    await expect(silent.query('select 1')).rejects.toThrow('Query read timeout')
    silent.release()
    expect(pool.totalCount).toBe(0)
    postgres.resume()
    const next = await leaving.connect()
    expect(await backend(next)).not.toBe(before)
    next.release()
    await leaving.end()
  },
)

test.runIf(postgresServer)(
  'connections to a server that takes no writes any more are left, since after a failover its name is that of another one',
  async () => {
    await using postgres = await startPostgres()
    const pool = new pg.Pool({ connectionString: postgres.url, max: 2 })
    pool.on('error', () => {})
    const leaving = leaveSilent(pool)
    const [demoted, idle] = await Promise.all([leaving.connect(), leaving.connect()])
    for (const client of [demoted, idle]) await client.query('set default_transaction_read_only = on')
    idle.release()
    await expect(demoted.query('create table t ()')).rejects.toMatchObject({ code: '25006' })
    demoted.release()
    const next = await leaving.connect()
    await next.query('create table t ()')
    next.release()
    await leaving.end()
  },
)

test.runIf(postgresServer)(
  'a connection is left whose prepared statements return other columns since a migration',
  async () => {
    await using postgres = await startPostgres()
    const pool = new pg.Pool({ connectionString: postgres.url, max: 1 })
    pool.on('error', () => {})
    const leaving = leaveSilent(pool)
    const named = { name: 'named', text: 'select * from migrated' }
    const before = await leaving.connect()
    await before.query('create table migrated (id int)')
    await before.query(named)
    await before.query('alter table migrated add column name text')
    const error = await before.query(named).catch(error => error)
    expect(error).toMatchObject({ code: '0A000' })
    expect(isPassingError(error)).toBe(true)
    before.release()
    const next = await leaving.connect()
    await next.query(named)
    next.release()
    await leaving.end()
  },
)

test.runIf(postgresServer)('a connection whose session has lost its prepared statements is left', async () => {
  await using postgres = await startPostgres()
  const pool = new pg.Pool({ connectionString: postgres.url, max: 1 })
  pool.on('error', () => {})
  const leaving = leaveSilent(pool)
  const named = { name: 'named', text: 'select 1' }
  const moved = await leaving.connect()
  await moved.query(named)
  await moved.query('deallocate all')
  await expect(moved.query(named)).rejects.toMatchObject({ code: '26000' })
  moved.release()
  const next = await leaving.connect()
  await next.query(named)
  next.release()
  await leaving.end()
})
