import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommandProcess, type CommandProcesses, openCommandProcesses } from '../fixtures/command-processes.ts'
import { openDataDir } from '../fixtures/data-dir.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { type Backend, backends } from '../fixtures/open-test-app.ts'
import { until } from '../fixtures/until.ts'
import { demoProject } from '../sandbox/demo/demo-project.ts'
import { openPool } from '../services/open-pool.ts'
import { createDatabase } from '../services/postgres.ts'
import { createRedis } from '../services/redis.ts'

/** Who starts processes kills them so long after SIGTERM, by default. */
const promisedMs = 10_000

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await openSandbox({
    hasura: { refetchMs: 200 },
    clients: [{ clientId: 'worker', clientSecret: 'secret', roles: ['viewer'], email: 'worker@wiki.example' }],
  })
})
afterAll(() => sandbox[Symbol.asyncDispose]())

interface Store extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
}

async function openStore(backend: Backend): Promise<Store> {
  await using opened = new AsyncDisposableStack()
  const env: Record<string, string> = {}
  if (backend === 'embedded') env.DATA_DIR = opened.use(await openDataDir()).path
  else env.DATABASE_URL = opened.use(await createDatabase()).url
  if (backend === 'redis') env.REDIS_URL = opened.use(await createRedis()).url
  const closing = opened.move()
  return { env, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

/** Workers as a user starts them; their job for users is live. */
function openWorkers({ env }: Store): CommandProcesses & { startWorker(): CommandProcess } {
  const processes = openCommandProcesses(
    {
      ...env,
      PORT: '0',
      OIDC_ISSUER: sandbox.idp.issuer,
      CLIENT_ID: 'worker',
      CLIENT_SECRET: 'secret',
      HASURA_URL: sandbox.hasura.url,
    },
    demoProject,
  )
  return { ...processes, startWorker: () => processes.start(['worker']) }
}

const isOpen = () => sandbox.hasura.sockets.open.some(({ subscriptions }) => subscriptions.length > 0)

describe.each(backends.filter(backend => backend !== 'embedded'))('two workers on %s', backend => {
  test('keep one connection for subscriptions, and when its process is killed the other takes over', async () => {
    await using store = await openStore(backend)
    await using workers = openWorkers(store)
    const pool = openPool(store.env.DATABASE_URL ?? '', 2)
    try {
      const started = [workers.startWorker(), workers.startWorker()]
      await until(isOpen)
      const isMirrored = async (username: string) => {
        const { rows } = await pool
          .query('select from mirror.users where username = $1', [username])
          .catch(() => ({ rows: [] }))
        return rows.length === 1
      }
      const insert = (username: string) =>
        sandbox.hasura.sql('insert into users (id, username, email) values (gen_random_uuid(), $1, $1)', [username])
      const holder = async () => {
        const { rows } = await pool.query<{ pid: number }>(
          "select p.pid from worker.live l join worker.processes p on p.id = l.process where l.job = ''",
        )
        return rows[0]?.pid
      }
      await until(() => isMirrored('user01'))
      await insert(`before-${backend}`)
      await until(() => isMirrored(`before-${backend}`))
      expect(sandbox.hasura.sockets.open).toHaveLength(1)

      const killed = await holder()
      const [first, other] = started.toSorted(({ pid }) => (pid === killed ? -1 : 1))
      first?.signal('SIGKILL')
      await first?.ended
      await insert(`after-${backend}`)
      await until(() => isMirrored(`after-${backend}`))
      await until(isOpen)
      expect(await holder()).toBe(other?.pid)
      expect(sandbox.hasura.sockets.open).toHaveLength(1)
    } finally {
      await pool.end()
    }
  })
})

describe.each(backends)('a worker on %s', backend => {
  test('whose connection for subscriptions is silent ends within 10 s of SIGTERM', async () => {
    await using store = await openStore(backend)
    await using workers = openWorkers(store)
    const worker = workers.startWorker()
    await until(isOpen)
    sandbox.hasura.sockets.freeze()
    const askedAt = performance.now()
    worker.signal('SIGTERM')
    const { code } = await worker.ended
    expect({ code, inTime: performance.now() - askedAt < promisedMs }).toEqual({ code: 0, inTime: true })
    sandbox.hasura.sockets.drop()
    await until(() => sandbox.hasura.sockets.open.length === 0)
  })
})
