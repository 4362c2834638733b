import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { run, startWorker } from '../cli/run-command.ts'
import { findCodeBlocks, findSection, projectFolder, readDocument } from '../docs/markdown.ts'
import { startEventTrigger } from '../sandbox/hasura/event-triggers.ts'
import { type SandboxHasura, startHasura } from '../sandbox/hasura/start-hasura.ts'
import { findFreePort } from '../services/free-port.ts'
import { startKeycloak } from '../services/keycloak.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { createRedis, hasRedis } from '../services/redis.ts'
import { mountsOf, readService } from './compose-file.ts'

const composeFile = 'examples/wiki/compose.yaml'
const execute = promisify(execFile)
const keycloak = readService(composeFile, 'keycloak')
const jwtConfig = z.strictObject({ jwk_url: z.url(), issuer: z.url() })

const opened = new AsyncDisposableStack()
let managementPort = ''
let keycloakUrl = ''
let environment: Record<string, string> = {}
let hasura: SandboxHasura

/** The services of the compose file, under the names that they have on this machine. */
beforeAll(async () => {
  managementPort = String(await findFreePort())
  const [realm] = mountsOf(keycloak)
  expect(realm?.target).toBe('/opt/keycloak/data/import/wiki-realm.json')
  const server = opened.use(
    await startKeycloak({
      realmFile: join(projectFolder, 'examples/wiki', realm?.source ?? ''),
      env: {
        ...keycloak.environment,
        KC_HTTP_MANAGEMENT_PORT: managementPort,
        KC_HTTP_MANAGEMENT_HOST: '127.0.0.1',
        // It would follow https, which this one serves as well.
        KC_HTTP_MANAGEMENT_SCHEME: 'http',
      },
    }),
  )
  keycloakUrl = server.url
  const atKeycloak = (text: string) => text.replace('http://keycloak:8080', server.url)
  const { jwk_url: jwkUrl, issuer } = jwtConfig.parse(
    JSON.parse(readService(composeFile, 'hasura').environment.HASURA_GRAPHQL_JWT_SECRET ?? ''),
  )
  hasura = opened.use(await startHasura({ jwt: { jwkUrl: atKeycloak(jwkUrl), issuer }, requireRoleHeader: true }))
  const worker = readService(composeFile, 'worker').environment
  environment = {
    ...Object.fromEntries(Object.entries(worker).map(([name, value]) => [name, atKeycloak(value)])),
    HASURA_URL: hasura.url,
    DATABASE_URL: hasPostgres ? opened.use(await createDatabase()).url : '',
    REDIS_URL: hasPostgres && hasRedis ? opened.use(await createRedis()).url : '',
    DATA_DIR: '/nowhere',
  }
})
afterAll(() => opened.disposeAsync())

test("the container's health check passes", async () => {
  const [, bash = '', ...words] = keycloak.healthcheck?.test ?? []
  await execute(
    bash,
    words.map(word => word.replace('9000', managementPort)),
  )
})

describe.runIf(hasPostgres)('with the imported realm', () => {
  let address = ''
  beforeAll(async () => {
    const worker = opened.use(await startWorker(environment))
    const ready = worker
      .err()
      .split('\n')
      .find(line => line.includes('worker ready'))
    address = z.object({ address: z.string() }).parse(JSON.parse(ready ?? '{}')).address
    expect(await run(environment, 'bootstrap', '--wait')).toMatchObject({ code: 0 })
  })

  test('doctor finds nothing to mend', async () => {
    const { code, out } = await run(environment, 'doctor', '--json')
    const checks = z
      .tuple([z.object({ checks: z.array(z.object({ id: z.string(), status: z.string() })) })])
      .parse(JSON.parse(out))[0].checks
    expect(checks.filter(({ status }) => status !== 'ok' && status !== 'skip')).toEqual([])
    expect(code).toBe(0)
  })

  test("the guide's request is made", async () => {
    const section = findSection(readDocument('docs/deployment.md'), 'The wiki, with Keycloak and Hasura')
    const code = findCodeBlocks(section).find(({ language }) => language === 'bash')?.code ?? ''
    const script = code.replaceAll('http://localhost:8180', keycloakUrl).replaceAll('http://localhost:8088', address)
    const { stdout } = await execute('sh', ['-euc', script])
    expect(JSON.parse(stdout)).toMatchObject({ id: expect.any(String) })
  })

  test("Hasura's event trigger brings a change to the mirror", async () => {
    await using _trigger = await startEventTrigger(hasura, {
      name: 'articles_changed',
      table: 'articles',
      webhook: `${address}/hooks/hasura/events`,
      headers: { 'x-hook-secret': readService(composeFile, 'hasura').environment.SYNC_WORKER_HOOK_SECRET ?? '' },
    })
    await hasura.sql("update articles set title = 'by an event' where id::text like '%001'")
    await expect.poll(async () => (await run(environment, 'rows', 'articles', '--json')).out).toContain('by an event')
  })
})
