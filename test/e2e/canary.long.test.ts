import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { off } from '../../src/http/authorize.ts'
import { createControlClient } from '../../src/http/control-client.ts'
import { createControl } from '../../src/http/create-control.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { runReportSchema } from '../../src/operations/run-reports.ts'
import { controlSocketPath } from '../../src/store/data-dir-claim.ts'
import { type DatabaseLocation, openDatabase } from '../../src/store/open-database.ts'
import type { Store } from '../../src/store/store.ts'
import { type Ended, openHome, run, start, startWorker } from '../cli/run-command.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { type Backend, backends } from '../fixtures/open-test-app.ts'
import { hasuraEvent } from '../http/hasura-events.ts'
import { base64, dresses } from '../security/dresses.ts'
import { createDatabase } from '../services/postgres.ts'
import { createRedis } from '../services/redis.ts'
import { readRedis } from './read-redis.ts'
import { findReadablePaths } from './read-routes.ts'
import { readTables } from './read-tables.ts'

/** Words that stand in rows and nowhere else. */
const harmless = 'walrus-4711'
const troubling = 'zebra-4711'
const published = 'c0000000-0000-4000-8000-000000000001'
const clientSecret = 'secret/canary+5c0e'
const servicePassword = 'canary-of-a-service'
const hookSecret = 'canary/of+hooks-9d27'
const api = { issuer: '', audience: 'hasura-sync-worker', role: 'request-jobs' }

describe.each(backends)('on %s', backend => {
  test('secrets, tokens and row data are nowhere but where they belong', async () => {
    await using opened = new AsyncDisposableStack()
    const sandbox = opened.use(await openSandbox({ tokenLifetimeSeconds: 2 }))
    const { idp, hasura } = sandbox
    const env = await openEnvironment(sandbox, backend, opened)
    const location: DatabaseLocation = env.DATABASE_URL
      ? { databaseUrl: env.DATABASE_URL }
      : { dataDir: env.DATA_DIR ?? '' }
    const written: string[] = []
    const keep = (ended: Ended): Ended => {
      written.push(ended.out, ended.err)
      return ended
    }
    // Its log would go to this process's own stderr.
    const command = async (...argv: string[]) => keep(await run({ ...env, LOG_LEVEL: 'silent' }, ...argv))

    // A row that Postgres will refuse, quoting it, and one that it takes.
    expect((await command('run', 'sync-articles')).code).toBe(0)
    await inStore(location, store =>
      sql`alter table mirror.articles add check (title not like ${sql.lit(`%${troubling}%`)})`.execute(store),
    )
    await hasura.sql('update public.articles set title = $1 where id = $2', [troubling, published])
    await hasura.sql("update public.topics set title = $1 where title = 'Topic 05'", [harmless])
    // Hasura's own words quote a value as well.
    hasura.fault(
      { operationName: 'PullUsers' },
      { kind: 'graphql-error', code: 'data-exception', message: `invalid input syntax for type uuid: "${troubling}"` },
    )

    const worker = opened.use(await startWorker(env))
    const latest = async (job: string) =>
      JSON.parse((await command('runs', '--json', '--job', job, '--limit', '1')).out)[0]
    await command('enqueue', 'sync-articles')
    await expect.poll(() => latest('sync-articles')).toMatchObject({ state: 'refused' })
    expect((await command('enqueue', 'sync-users', '--wait', '--json')).code).toBe(1)
    expect((await command('enqueue', 'sync-topics', '--wait', '--json')).code).toBe(0)
    expect((await command('enqueue', 'sync-topics', '--payload', `{"title":"${troubling}"}`)).code).toBe(2)
    idp.setRoles('canary', ['editor'])
    await expect.poll(async () => (await command('run', 'sync-topics')).code).toBe(3)
    idp.rotateSecret('canary', 'another')
    await expect.poll(async () => (await command('run', 'sync-topics')).err).toContain('Keycloak refused client')

    const refused = keep(await start(env, ['run', 'sync-topics']).ended)
    expect(refused.code).toBe(3)
    if (backend !== 'embedded') expect(refused.err).toContain('run refused')

    const address = /"address":"([^"]+)","queue"/.exec(worker.err())?.[1] ?? ''
    const caller = await idp.issueToken('caller')
    const ask = async (path: string, token?: string, body?: string) => {
      const response = await fetch(`${address}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json', 'idempotency-key': `key-${body.length}` }),
        },
        ...(body !== undefined && { body }),
      })
      written.push(JSON.stringify([...response.headers]), await response.text())
      return response.status
    }
    for (const [body, status] of [
      ['{}', 202],
      [`{"title": ${troubling}`, 400],
      [`{"payload":{"title":"${troubling}"}}`, 400],
    ] as const) {
      expect(await ask('/jobs/sync-topics/requests', await idp.issueToken('stranger'), body)).toBe(403)
      expect(await ask('/jobs/sync-topics/requests', caller, body)).toBe(status)
    }
    const send = async (shown: string, body: string) => {
      const headers = { 'content-type': 'application/json', 'x-hook-secret': shown }
      const response = await fetch(`${address}/hooks/hasura/events`, { method: 'POST', headers, body })
      written.push(JSON.stringify([...response.headers]), await response.text())
      return response.status
    }
    const event = JSON.stringify(hasuraEvent({ new: { id: published, title: troubling } }))
    for (const [shown, body, status] of [
      [hookSecret, event, 202],
      [hookSecret, `{"title": ${troubling}`, 400],
      [hookSecret, JSON.stringify({ ...hasuraEvent(), id: { title: troubling } }), 400],
      [`${hookSecret}x`, event, 401],
    ] as const) {
      expect(await send(shown, body)).toBe(status)
    }
    // A server that repeats what it was sent, in every dress at once and in each alone.
    const repeated = Object.values(dresses).map(dress => dress(clientSecret))
    for (const said of [repeated.join(' '), ...repeated.filter((_, index) => index % 8 === 0)]) {
      const body = JSON.stringify({ error: 'invalid_client', error_description: `no client with ${said}` })
      const headers = { 'content-type': 'application/json' }
      const remove = idp.fault('token', { kind: 'status', status: 401, headers, body })
      expect((await command('run', 'sync-topics')).code).toBe(3)
      remove()
    }
    // The request of the caller waits for the refused client.
    const held = () => command('holds', '--json').then(({ out }) => out)
    await expect.poll(held).toContain('client-auth')

    const listed = (await command('runs', '--json', '--limit', '100')).out
    const ids = [
      ...new Set(
        z
          .array(runReportSchema)
          .parse(JSON.parse(listed))
          .map(({ requestId }) => requestId),
      ),
    ]
    const paths = await findPaths(ids)
    expect(paths.http).toEqual(expect.arrayContaining(['/health/live', '/health/ready', `/requests/${ids[0]}`]))
    for (const path of [...paths.http, '/nothing']) {
      for (const token of [caller, undefined]) await ask(path, token)
    }
    if (backend === 'embedded') {
      expect(paths.control).toEqual(expect.arrayContaining(['/jobs', '/accounts', '/runs', '/holds']))
      for (const path of paths.control) written.push(await askSocket(controlSocketPath(env.DATA_DIR ?? ''), path))
    }
    for (const list of ['runs', 'holds', 'jobs', 'accounts', 'doctor']) await command(list, '--json')
    const keys = env.REDIS_URL ? await readRedis(env.REDIS_URL) : []
    worker.kill('SIGTERM')
    const { err } = keep(await worker.ended)
    expect(err).toContain('23514')
    expect(err).toContain('data-exception')
    const logs = written.join('\n')
    expect(logs).toContain('run refused')
    expect(logs).toContain('/requests/')

    if (env.REDIS_URL) {
      keys.push(...(await readRedis(env.REDIS_URL)))
      expect(keys.join('\n')).toContain('sync-articles')
      for (const type of ['hash', 'stream']) expect(keys.join('\n')).toMatch(new RegExp(`^${type} `, 'm'))
    }
    const tables = await inStore(location, readTables)
    const mirrored = tables.filter(({ name }) => name.startsWith('mirror.'))
    const own = tables.filter(({ name }) => !name.startsWith('mirror.'))
    expect(mirrored.map(({ rows }) => rows).join()).toContain(harmless)
    const filled = ['accounts', 'requests', 'runs', 'holds', 'idempotency_keys'].map(name => `worker.${name}`)
    for (const name of filled) expect(own.find(table => table.name === name)?.rows).toContain('"default"')

    const everything = [...written, ...keys, ...own.map(({ name, rows }) => `${name} ${rows}`)].join('\n')
    for (const word of [harmless, troubling]) expect(around(everything, word)).toBeUndefined()
    const withMirror = [everything, ...mirrored.map(({ rows }) => rows)].join('\n')
    const basic = base64(`canary:${encodeURIComponent(clientSecret)}`)
    const dressed = [clientSecret, servicePassword, hookSecret].flatMap(secret =>
      Object.values(dresses).map(dress => dress(secret)),
    )
    for (const secret of [...dressed, basic]) expect(around(withMirror, secret)).toBeUndefined()
    // The signature alone is as good as the token.
    const [, , signature = ''] = caller.split('.')
    expect(around(withMirror, signature.slice(0, 16))).toBeUndefined()
    expect(/eyJ[\w-]{10,}\.[\w-]*/.exec(withMirror)?.[0]).toBeUndefined()
  })
})

/** Of an account with a secret to be found, and with callers who may and may not ask for jobs. */
async function openEnvironment(
  sandbox: Sandbox,
  backend: Backend,
  opened: AsyncDisposableStack,
): Promise<Record<string, string>> {
  const { idp } = sandbox
  const home = opened.use(await openHome(sandbox, 'canary'))
  idp.addClient({
    clientId: 'canary',
    clientSecret,
    roles: ['viewer'],
    email: 'canary@wiki.example',
    refreshTokens: true,
  })
  await writeFile(home.secretFile, `${clientSecret}\n`)
  const hookFile = join(home.folder, 'hook-secret')
  await writeFile(hookFile, `${hookSecret}\n`)
  const audience = [api.audience]
  idp.addClient({ clientId: 'caller', clientSecret: 's', realmRoles: [api.role], audience })
  idp.addClient({ clientId: 'stranger', clientSecret: 's', audience })
  return {
    ...home.env,
    DATA_DIR: join(home.folder, 'data'),
    LOG_LEVEL: 'trace',
    HTTP_ISSUER: idp.issuer,
    HTTP_AUDIENCE: api.audience,
    HTTP_ROLE: api.role,
    HOOK_SECRET_FILE: hookFile,
    ...(backend !== 'embedded' && { DATABASE_URL: withPassword(opened.use(await createDatabase()).url) }),
    ...(backend === 'redis' && { REDIS_URL: withPassword(opened.use(await createRedis()).url) }),
  }
}

/** The services of the tests let everybody in, whatever the password. */
function withPassword(address: string): string {
  const url = new URL(address)
  if (url.password !== '') return address
  url.username ||= 'default'
  url.password = servicePassword
  return url.href
}

/** Every path that a worker can be read by, also those that come to be: the requests' own stand for `:id`. */
async function findPaths(ids: readonly string[]): Promise<{ http: string[]; control: string[] }> {
  const operations = createControlClient('/nowhere')
  const { log } = captureLog()
  const fill = (path: string) => (path.includes(':id') ? ids.map(id => path.replace(':id', id)) : [path])
  const http = await findReadablePaths(createHttp({ operations, authorize: off, log }))
  const control = await findReadablePaths(createControl({ operations, log }))
  return { http: http.flatMap(fill), control: control.flatMap(fill) }
}

async function askSocket(socketPath: string, path: string): Promise<string> {
  const [response]: IncomingMessage[] = await once(request({ socketPath, path }).end(), 'response')
  return response ? text(response) : ''
}

/** The text beside a find, which says where it came from. */
function around(text: string, word: string): string | undefined {
  const at = text.indexOf(word)
  return at < 0 ? undefined : text.slice(Math.max(0, at - 300), at + word.length + 50)
}

async function inStore<T>(location: DatabaseLocation, work: (store: Store) => Promise<T>): Promise<T> {
  await using database = await openDatabase(location, captureLog().log)
  return await work(database.store)
}
