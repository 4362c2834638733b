import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createControlClient } from '../../src/http/control-client.ts'
import type { Operations } from '../../src/operations/registry.ts'
import { controlSocketPath } from '../../src/store/data-dir-claim.ts'
import { run, startWorker } from '../cli/run-command.ts'
import { startHasura } from '../sandbox/hasura/start-hasura.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'

const keycloak = getSharedKeycloak()
const clientId = 'rotated'
/** What Keycloak saw of the client, the latest first. */
async function listLogins({ admin, name }: Realm) {
  const schema = z.array(z.object({ time: z.number(), type: z.enum(['CLIENT_LOGIN', 'CLIENT_LOGIN_ERROR']) }))
  return admin.get(`/${name}/events?client=${clientId}&max=10000`, schema)
}

/** Has the job run again as soon as it has run, until it is told to stop. */
async function keepRunning(operations: Operations, job: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { id } = await operations.makeRequest({
      job,
      account: undefined,
      payload: undefined,
      trigger: 'cli',
      caller: 'test',
    })
    await expect.poll(async () => (await operations.getRequest({ id })).state).toBe('done')
  }
}

test.each([
  ['secret', 'client_secret_basic', 'CLIENT_SECRET_FILE'],
  ['key', 'private_key_jwt', 'CLIENT_KEY_FILE'],
])(
  'a %s that is rotated again and again costs a running worker no run and no hold',
  async (_what, method, variable) => {
    await using opened = new AsyncDisposableStack()
    const realm = opened.use(await createRealm(keycloak))
    // Runs need another token all the time, and each lives long enough to reach Hasura on a busy machine.
    await realm.setAccessTokenLifespan(2)
    await realm.admin.put(`/${realm.name}/events/config`, {
      eventsEnabled: true,
      enabledEventTypes: ['CLIENT_LOGIN', 'CLIENT_LOGIN_ERROR'],
      eventsListeners: [],
    })
    const jwt = { jwkUrl: realm.jwksUrl, issuer: realm.issuer }
    const hasura = opened.use(await startHasura({ jwt, requireRoleHeader: true }))
    const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-rotate-'))
    opened.defer(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'admin'), keycloak.adminPassword, { mode: 0o600 })
    const credentialFile = join(folder, 'credential')
    const env = {
      OIDC_ISSUER: realm.issuer,
      CLIENT_ID: clientId,
      CLIENT_AUTH: method,
      [variable]: credentialFile,
      HASURA_URL: hasura.url,
      DATA_DIR: join(folder, 'data'),
    }
    const provision = async (...argv: string[]) => {
      const administrator = {
        KEYCLOAK_ADMIN_USERNAME: keycloak.adminName,
        KEYCLOAK_ADMIN_PASSWORD_FILE: join(folder, 'admin'),
      }
      expect(await run({ ...env, ...administrator }, 'provision', ...argv)).toMatchObject({ code: 0, err: '' })
    }
    await provision('--group', 'phonemos')

    const worker = opened.use(await startWorker(env))
    const operations = createControlClient(controlSocketPath(env.DATA_DIR))
    const stopping = new AbortController()
    const jobs = ['sync-users', 'sync-topics', 'sync-articles']
    const running = Promise.all(jobs.map(job => keepRunning(operations, job, stopping.signal)))
    const credentials = new Set<string>()
    for (let rotation = 1; rotation <= 3; rotation += 1) {
      const { length } = await listLogins(realm)
      await expect.poll(async () => (await listLogins(realm)).length).toBeGreaterThan(length + 1)
      await provision('--rotate')
      credentials.add(await readFile(credentialFile, 'utf8'))
      expect(await operations.listHolds()).toEqual([])
    }
    const rotatedAt = Date.now()
    const since = async () =>
      (await listLogins(realm)).filter(({ time, type }) => time > rotatedAt && type === 'CLIENT_LOGIN')
    await expect.poll(async () => (await since()).length).toBeGreaterThan(2)
    stopping.abort()
    await running

    expect(credentials.size).toBe(3)
    expect((await operations.listRuns({ limit: 1000 })).filter(({ state }) => state !== 'succeeded')).toEqual([])
    expect(await operations.listHolds()).toEqual([])
    // One attempt each time with what was right a moment ago.
    const refused = (await listLogins(realm)).filter(({ type }) => type === 'CLIENT_LOGIN_ERROR')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThanOrEqual(3)
    for (const credential of credentials) expect(worker.err()).not.toContain(credential.trim())
    expect(worker.err()).not.toMatch(/"level":"(?:warn|error)"/)
  },
)
