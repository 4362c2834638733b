import pg from 'pg'
import type { ChaosStore } from '../store.ts'
import type { FaultKind } from './fault-kind.ts'

/** Faults of the store's server. */
export const postgresFaults: readonly FaultKind[] = [
  postgresFault('postgres-killed', [0, 5_000], async ({ server: { handle } }) => {
    await handle.kill()
    return () => handle.start()
  }),
  postgresFault('postgres-restarted', [0, 1_000], async ({ server: { handle } }) => {
    await handle.stop()
    return () => handle.start()
  }),
  postgresFault('postgres-stands-still', [1_000, 9_000], async ({ server: { handle } }) => {
    handle.pause()
    return () => handle.resume()
  }),
  postgresFault('postgres-takes-no-connections', [1_000, 8_000], async ({ onStore }) => {
    await onStore('alter role worker connection limit 1')
    await cutWorkers(onStore)
    return async () => void (await onStore('alter role worker connection limit -1'))
  }),
  postgresFault('postgres-ends-connections', [0, 0], async ({ onStore }) => {
    await cutWorkers(onStore)
    return () => {}
  }),
  postgresFault('postgres-is-read-only', [1_000, 8_000], async ({ onStore }) => {
    await onStore('alter role worker set default_transaction_read_only = on')
    await cutWorkers(onStore)
    return async () => {
      await onStore('alter role worker reset default_transaction_read_only')
      await cutWorkers(onStore)
    }
  }),
  postgresFault('postgres-fails-over', [0, 0], async ({ server }) => {
    await server.failOver()
    return () => {}
  }),
  // These two lose the last commits.
  postgresFault('postgres-fails-over-late', [0, 0], async ({ server }, chance) => {
    await server.failOverLate(500 + chance * 3_000)
    return () => {}
  }),
  postgresFault('postgres-is-restored', [0, 0], async ({ server }, chance) => {
    await server.restoreDump(1_000 + chance * 8_000)
    return () => {}
  }),
  postgresFault('postgres-disk-full', [1_000, 8_000], async ({ server }) => {
    const { disk, handle } = server
    if (!disk) throw new Error('only root can fill a disk')
    await disk.fill()
    return async () => {
      await disk.makeRoom()
      // A server without room for its log exits.
      await handle.start()
    }
  }),
  // An open transaction of another program locks rows that workers need.
  postgresFault('postgres-rows-locked', [1_000, 7_000], async ({ server: { url } }, chance) => {
    const table = chance < 0.4 ? 'worker.requests' : chance < 0.7 ? 'worker.leases' : 'worker.schedules'
    return holdLocks(url, `select from ${table} for update`)
  }),
]

async function cutWorkers(onStore: ChaosStore['query']): Promise<void> {
  await onStore(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'worker'`)
}

async function holdLocks(url: string, statement: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  await client.query(statement)
  return () => client.end()
}

interface StoreServer {
  readonly server: NonNullable<ChaosStore['server']>
  readonly onStore: ChaosStore['query']
}

function postgresFault(
  name: string,
  lasts: readonly [number, number],
  begin: (store: StoreServer, chance: number) => Promise<() => Promise<void> | void>,
): FaultKind {
  return {
    name,
    breaks: 'postgres',
    backends: ['redis', 'postgres'],
    lasts,
    begin({ world: { store, onStore } }, { chance }) {
      if (!store.server) throw new Error('an embedded store has no server')
      return begin({ server: store.server, onStore }, chance)
    },
  }
}
