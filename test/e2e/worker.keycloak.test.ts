import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { firstLogin } from '../../examples/wiki/src/jobs/first-login.ts'
import { jobs } from '../../examples/wiki/src/jobs/list.ts'
import { type App, openApp } from '../../src/app/app.ts'
import { type Serving, serveLines } from '../../src/app/serve-lines.ts'
import { parseConfig } from '../../src/config/config.ts'
import { openSession } from '../../src/gate/session.ts'
import { createAuthorize } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { createLocalOperations } from '../../src/operations/local-operations.ts'
import type { Operations } from '../../src/operations/registry.ts'
import { systemClock } from '../../src/time/clock.ts'
import { type CapturedLog, captureLog } from '../fixtures/captured-log.ts'
import { until } from '../fixtures/until.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'
import { type SandboxHasura, startHasura } from '../sandbox/hasura/start-hasura.ts'
import { createRealm, type Realm, type ServiceAccount, WORKER_API } from '../services/keycloak-realm.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { createRedis, hasRedis } from '../services/redis.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'

let opened: AsyncDisposableStack
let realm: Realm
let hasura: SandboxHasura
let app: App
let serving: Serving
let operations: Operations
let logged: CapturedLog
let secretFile: string
let httpUrl: string

beforeAll(async () => {
  opened = new AsyncDisposableStack()
  realm = opened.use(await createRealm(getSharedKeycloak()))
  hasura = opened.use(
    await startHasura({ jwt: { jwkUrl: realm.jwksUrl, issuer: realm.issuer }, requireRoleHeader: true }),
  )
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-e2e-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  secretFile = join(folder, 'secret')
  await writeFile(secretFile, `${realm.clientSecret}\n`)
  const config = parseConfig({
    ...(hasPostgres && { DATABASE_URL: opened.use(await createDatabase()).url }),
    ...(hasPostgres && hasRedis && { REDIS_URL: opened.use(await createRedis()).url }),
    DATA_DIR: join(folder, 'data'),
    OIDC_ISSUER: realm.issuer,
    CLIENT_ID: realm.clientId,
    CLIENT_SECRET_FILE: secretFile,
    HASURA_URL: hasura.url,
  })
  logged = captureLog()
  app = opened.use(
    await openApp(
      config,
      { jobs, firstLogin },
      {
        clock: systemClock,
        log: logged.log,
        hostname: 'e2e',
        pid: process.pid,
        uid: process.getuid?.(),
        project: wikiProject,
        env: {},
        readSecretFile: path => readFile(path, 'utf8'),
      },
    ),
  )
  operations = createLocalOperations(app)
  serving = opened.use(await serveLines(app, { slots: 4, graceMs: 0 }))
  const callers = { issuer: realm.issuer, audience: WORKER_API.audience, role: WORKER_API.role }
  const http = createHttp({ operations, authorize: createAuthorize(callers), log: logged.log })
  opened.defer(() => http.close())
  httpUrl = await http.listen({ host: '127.0.0.1', port: 0 })
  const bootstrap = await request('bootstrap-account')
  await until(async () => (await reportOf(bootstrap))?.state === 'done')
})
afterAll(() => opened.disposeAsync())

async function request(job: string): Promise<string> {
  return (await operations.makeRequest({ job, account: undefined, payload: undefined, trigger: 'cli', caller: 'test' }))
    .id
}

function reportOf(id: string) {
  return operations.getRequest({ id })
}

/** As if the pause were over, which is 5 s at first. */
async function endPause(): Promise<void> {
  await app.deps.store
    .updateTable('worker.holds')
    .set({ probe_at: new Date(0) })
    .execute()
  serving.look()
}

/** What a realm is made to lack holds a request with a sentence; mended, the request goes on by itself. */
async function holdAndMend(
  breakIt: () => Promise<unknown>,
  hold: object,
  mendIt: () => Promise<unknown>,
): Promise<void> {
  await breakIt()
  await dropToken()
  const id = await request('sync-topics')
  await expect.poll(() => reportOf(id)).toMatchObject({ state: 'waiting', hold })
  await mendIt()
  await endPause()
  await expect.poll(() => reportOf(id)).toMatchObject({ state: 'done' })
  expect(await operations.listHolds()).toEqual([])
}

describe('a worker against a real Keycloak', () => {
  test('makes its user known once and fills the mirror of a new account', async () => {
    const calls = hasura.requests.filter(({ operationName }) => operationName === 'RefreshUsers')
    expect(calls).toMatchObject([{ role: 'viewer', userId: realm.subject }])
    expect(await operations.listAccounts()).toMatchObject([
      { name: 'default', firstLogin: 'visible', note: null, bootstrappedAt: expect.any(String) },
    ])
    // Newest first; a schedule may begin runs of its own meanwhile.
    const runs = await operations.listRuns({ limit: 100 })
    for (const job of jobs) expect(runs.findLast(run => run.job === job.name)).toMatchObject({ state: 'succeeded' })
    expect(runs.findLast(run => run.job === 'sync-articles')?.counts?.inserted).toBeGreaterThan(100)
  })

  test('holds what a revoked role no longer allows, and resumes once it is granted', async () => {
    await holdAndMend(
      () => realm.revokeRole('viewer').then(() => realm.revokeRole('editor')),
      {
        code: 'allowed-roles',
        reason: expect.stringContaining('assign one to the service account of client "sync-worker"'),
      },
      () => realm.grantRole('viewer').then(() => realm.grantRole('editor')),
    )
  })

  test('names the missing role, the roles there are and the client to assign it in', async () => {
    // The default role has to stay allowed for the gate to come so far.
    await realm.revokeRole('editor')
    await dropToken()
    const { issuer, subject } = await app.deps.store.selectFrom('worker.accounts').selectAll().executeTakeFirstOrThrow()
    expect({ issuer, subject }).toEqual({ issuer: realm.issuer, subject: realm.subject })
    const [access] = app.deps.accounts.values()
    if (!access) throw new Error('no account')
    await expect(openSession(app.deps, access, { role: 'editor' }, new AbortController().signal)).rejects.toMatchObject(
      {
        code: 'job-roles',
        found: `Role "editor" is not in the token's allowed roles (viewer)`,
        remedy: expect.stringContaining('assign it to the service account in client "phonemos-hasura"'),
      },
    )
    await realm.grantRole('editor')
  })

  test('fails no run when the secret is rotated and the file follows', async () => {
    await writeFile(secretFile, `${await realm.regenerateSecret()}\n`)
    await dropToken()
    const id = await request('sync-users')
    await expect.poll(() => reportOf(id)).toMatchObject({ state: 'done', runs: [{ state: 'succeeded' }] })
  })

  test('holds the account when the secret is wrong, naming the file, and resumes with the right one', async () => {
    const right = await readFile(secretFile, 'utf8')
    await holdAndMend(
      () => realm.regenerateSecret(),
      {
        code: 'client-auth',
        reason: expect.stringMatching(/^Keycloak refused client "sync-worker" at .*unauthorized_client.*secret file/),
      },
      async () => writeFile(secretFile, `${await realm.regenerateSecret()}\n`),
    )
    expect(logged.text()).not.toContain(right.trim())
  })

  test('names the scope when the claims are gone while the roles are assigned', async () => {
    await holdAndMend(
      () => realm.setHasuraScope(false),
      {
        code: 'claims',
        reason: expect.stringMatching(/though roles are assigned: make the `hasura` client scope a default scope/),
      },
      () => realm.setHasuraScope(true),
    )
  })

  test('takes requests from a caller with the role of its API, and from none without', async () => {
    const caller = await realm.createCaller()
    const stranger = await realm.createCaller({ clientId: 'stranger', roles: [] })
    const accepted = await ask(await tokenOf(caller))
    expect(accepted).toMatchObject({ status: 202, body: { id: expect.any(String) } })
    await expect.poll(() => reportOf(accepted.body.id ?? '')).toMatchObject({ state: 'done', trigger: 'http' })
    // Without the role Keycloak leaves the audience out as well.
    expect(await ask(await tokenOf(stranger))).toMatchObject({
      status: 401,
      body: {
        detail: 'The token is not meant for this worker',
        remedy: expect.stringMatching(/^its audience must be "hasura-sync-worker": /),
      },
    })
  })
})

/** The token in hand says what was true when it was issued; where none can be had there is none. */
async function dropToken(): Promise<void> {
  for (const access of app.deps.accounts.values()) {
    await access.tokens.get().then(
      token => access.tokens.drop(token),
      () => {},
    )
  }
}

async function tokenOf({ clientId, clientSecret }: ServiceAccount): Promise<string> {
  const response = await fetch(realm.tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }),
  })
  return z.object({ access_token: z.string() }).parse(await response.json()).access_token
}

async function ask(token: string) {
  const response = await fetch(`${httpUrl}/jobs/sync-users/requests`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  return { status: response.status, body: answerSchema.parse(await response.json()) }
}

const answerSchema = z.object({
  id: z.string().optional(),
  detail: z.string().optional(),
  remedy: z.string().optional(),
})
