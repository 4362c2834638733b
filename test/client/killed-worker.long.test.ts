import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import type { jobs } from '../../examples/wiki/src/jobs/list.ts'
import { type Change, type Client, ClientError, createClient } from '../../packages/client/src/index.ts'
import { bareEnvironment } from '../fixtures/bare-environment.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { mainPath, wikiProject } from '../fixtures/wiki-project.ts'
import { findFreePort } from '../services/free-port.ts'
import { openPool } from '../services/open-pool.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

const audience = 'hasura-sync-worker'
const role = 'request-jobs'

/** Calls again what failed for a time, as the client's page says. */
async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof ClientError && error.isTransient)) throw error
    }
  }
}

/** A worker process with an address of its own, which a test kills and starts again. */
async function openWorker(opened: AsyncDisposableStack) {
  const database = opened.use(await createDatabase())
  const sandbox = opened.use(
    await openSandbox({
      clients: [
        { clientId: 'worker', clientSecret: 'secret', roles: ['viewer'], email: 'worker@wiki.example' },
        { clientId: 'caller', clientSecret: 's', realmRoles: [role], audience: [audience], hasuraScope: false },
      ],
    }),
  )
  const { hasura, idp } = sandbox
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  let worker: ChildProcess | undefined
  const start = async (): Promise<void> => {
    worker = spawn(process.execPath, [mainPath, 'worker'], {
      cwd: wikiProject.folder,
      env: {
        ...{ ...bareEnvironment, LOG_LEVEL: 'error', DATABASE_URL: database.url, PORT: String(port) },
        ...{ OIDC_ISSUER: idp.issuer, CLIENT_ID: 'worker', CLIENT_SECRET: 'secret', HASURA_URL: hasura.url },
        ...{ HTTP_ISSUER: idp.issuer, HTTP_AUDIENCE: audience, HTTP_ROLE: role, HTTP_VIEW_ROLE: role },
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const isReady = () => fetch(`${url}/health/ready`).then(({ ok }) => ok)
    await expect.poll(() => isReady().catch(() => false)).toBe(true)
  }
  const kill = async (): Promise<void> => {
    if (!worker || worker.exitCode !== null || worker.signalCode !== null) return
    worker.kill('SIGKILL')
    await once(worker, 'exit')
  }
  opened.defer(kill)
  await start()
  const pool = openPool(database.url, 2)
  opened.defer(() => pool.end())
  const query = async (text: string) => (await pool.query<Record<string, unknown>>(text)).rows
  const client = createClient<typeof jobs>({
    url,
    token: { issuer: idp.issuer, clientId: 'caller', clientSecret: 's' },
  })
  return { client, hasura, query, start, kill }
}

async function follow(
  client: Pick<Client<typeof jobs>, 'changes'>,
  seen: Change[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const after = seen.at(-1)?.position ?? '0'
      for await (const change of client.changes('topics', { after, pollMs: 200, signal })) seen.push(change)
    } catch (error) {
      if (!signal.aborted && !(error instanceof ClientError && error.isTransient)) throw error
    }
  }
}

test.skipIf(!hasPostgres)(
  'a client whose worker is killed and started again waits for its request, makes each once, and follows changes without a gap',
  async () => {
    await using opened = new AsyncDisposableStack()
    const { client, hasura, query, start, kill } = await openWorker(opened)
    await client.wait(await client.request('sync-topics'))
    const seen: Change[] = []
    const following = new AbortController()
    const followed = follow(client, seen, following.signal)
    await expect.poll(() => seen.length).toBeGreaterThan(0)

    const heal = hasura.fault({}, { kind: 'latency', ms: 2_000 })
    const request = await client.request('sync-topics', { full: true })
    const waited = insist(() => client.wait(request))
    await expect
      .poll(() => query(`select from worker.requests where id = '${request.id}' and state = 'running'`))
      .toHaveLength(1)
    await kill()
    await hasura.sql("update topics set title = title || '!', updated_at = now()")
    const keys = Array.from({ length: 8 }, (_, n) => `order-${n}`)
    const made = Promise.all(
      keys.map(idempotencyKey => {
        const payload = { keys: [[crypto.randomUUID()]] }
        return insist(() => client.request('sync-users', payload, { idempotencyKey }))
      }),
    )
    await start()
    heal()
    expect((await waited).state).toBe('done')
    const ids = (await made).map(({ id }) => id)
    expect(new Set(ids).size).toBe(keys.length)
    expect(await query('select key from worker.idempotency_keys where key like $$order-%$$')).toHaveLength(keys.length)

    await client.wait(await insist(() => client.request('sync-topics', { full: true })))
    const latest = await query('select _change::text as position from mirror.topics order by _change')
    await expect.poll(() => seen.at(-1)?.position).toBe(latest.at(-1)?.position)
    following.abort()
    await followed.catch(() => {})
    const positions = seen.map(({ position }) => position)
    expect(new Set(positions).size).toBe(positions.length)
    expect(positions).toEqual(expect.arrayContaining(latest.map(({ position }) => position)))
  },
)
