import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { z } from 'zod'
import { run, startWorker } from '../cli/run-command.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'

let folder: string
const test = sandboxTest.extend('describeAccount', ({ sandbox }) => (name: string, own: object = {}): object => {
  return {
    name,
    oidcIssuer: sandbox.idp.issuer,
    clientId: name,
    clientSecret: `secret-of-${name}`,
    hasuraUrl: sandbox.hasura.url,
    ...own,
  }
})

test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-reload-'))
})
test.afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

const lineSchema = z.looseObject({ msg: z.string(), level: z.string() })
const rowsSchema = z.array(z.looseObject({ account: z.string(), state: z.string() }))

test('accounts come, change and go with their file, and a broken file changes nothing', async ({
  sandbox,
  describeAccount,
}) => {
  const accountsFile = join(folder, 'accounts.yaml')
  const env = { ACCOUNTS_FILE: accountsFile, DATA_DIR: join(folder, 'data') }
  const write = async (...accounts: readonly object[]) => {
    // As editors do, and so that nobody reads it halfway.
    await writeFile(`${accountsFile}.new`, JSON.stringify({ accounts }))
    await rename(`${accountsFile}.new`, accountsFile)
  }
  for (const name of ['stays', 'changes', 'comes', 'goes']) {
    sandbox.idp.addClient({ clientId: name, clientSecret: `secret-of-${name}`, roles: ['viewer'], email: `${name}@x` })
  }
  const grants = (name: string) => sandbox.idp.tokenRequests.filter(({ clientId }) => clientId === name).length

  await write(describeAccount('stays'), describeAccount('changes', { clientSecret: 'wrong' }), describeAccount('goes'))
  await using worker = await startWorker(env)
  const logged = () =>
    worker
      .err()
      .trim()
      .split('\n')
      .map(line => lineSchema.parse(JSON.parse(line)))
  const reloads = () => logged().filter(({ msg }) => msg === 'the accounts were reloaded')
  const runs = async () => rowsSchema.parse(JSON.parse((await run(env, 'runs', '--json', '--limit', '200')).out))
  const bootstrapped = async () =>
    z
      .array(z.looseObject({ name: z.string(), bootstrappedAt: z.string().nullable() }))
      .parse(JSON.parse((await run(env, 'accounts', '--json')).out))
      .flatMap(({ name, bootstrappedAt }) => (bootstrappedAt ? [name] : []))

  await expect.poll(bootstrapped).toEqual(['stays', 'goes'])
  await expect.poll(async () => (await run(env, 'holds')).out).toContain('client-auth')
  const grantsBefore = grants('stays')

  // Somebody asks, and a mistake is told whole.
  await write(describeAccount('stays', { jobs: ['sync-all'] }), { name: 'comes' })
  worker.kill('SIGHUP')
  const broken = () => logged().filter(({ msg }) => msg.startsWith('ACCOUNTS_FILE is invalid'))
  await expect.poll(() => broken().length).toBeGreaterThan(0)
  expect(broken()[0]?.problems).toEqual([
    expect.stringMatching(/^ACCOUNTS_FILE accounts\.1\.oidcIssuer is missing/),
    expect.stringMatching(/^ACCOUNTS_FILE accounts\.1\.clientId is missing/),
    expect.stringMatching(/^ACCOUNTS_FILE accounts\.1\.clientSecretFile is missing/),
  ])
  expect(reloads()).toEqual([])

  // Nobody asks: the file is seen to be another one.
  await write(
    describeAccount('stays'),
    describeAccount('changes'),
    describeAccount('comes', { schedules: { 'sync-users': { everySeconds: 1 } } }),
  )
  await expect.poll(() => reloads().length).toBe(1)
  expect(reloads()[0]).toMatchObject({ added: ['comes'], changed: ['changes'], removed: ['goes'] })
  await expect.poll(bootstrapped).toEqual(['stays', 'changes', 'comes'])
  expect((await run(env, 'holds')).out).toBe('no holds\n')
  const ticks = async () =>
    (await runs()).filter(({ account, trigger }) => account === 'comes' && trigger === 'schedule')
  await expect.poll(async () => (await ticks()).length).toBeGreaterThan(1)
  expect(await run(env, 'enqueue', 'sync-users', '--account', 'goes')).toMatchObject({ code: 2 })

  // The one that stayed as it was still has its token.
  expect((await run(env, 'enqueue', 'sync-users', '--account', 'stays', '--wait')).code).toBe(0)
  expect(grants('stays')).toBe(grantsBefore)

  worker.kill('SIGHUP')
  await expect.poll(() => logged().some(({ msg }) => msg.includes('is unchanged'))).toBe(true)
  worker.kill('SIGTERM')
  expect((await worker.ended).code).toBe(0)
  expect(worker.err()).not.toContain('secret-of-')
})
