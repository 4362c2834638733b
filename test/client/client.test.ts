import { expect } from 'vitest'
import { z } from 'zod'
import { createClient } from '../../packages/client/src/index.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { PermanentError } from '../../src/errors.ts'
import { createAuthorize } from '../../src/http/authorize.ts'
import { mirrorRows } from '../../src/mirror/mirror-rows.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { runPull } from '../fixtures/run-pull.ts'

const audience = 'hasura-sync-worker'
const role = 'request-jobs'

const exportArticles = defineJob({
  name: 'export-articles',
  payload: z.strictObject({ since: z.iso.date().optional() }),
  async run() {
    return {}
  },
})
const rejectAll = defineJob({
  name: 'reject-all',
  payload: z.strictObject({ id: z.int() }),
  run: () => Promise.reject(new PermanentError('closed', 'the shop is closed')),
})
const jobs = [exportArticles, rejectAll] as const

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs, firstLogin: null })
  .extend('httpOptions', { scope: 'file' }, ({ sandbox: { idp } }) => {
    for (const clientId of ['caller', 'stranger']) {
      idp.addClient({
        clientId,
        clientSecret: 's',
        realmRoles: clientId === 'caller' ? [role] : [],
        audience: [audience],
      })
    }
    return { authorize: createAuthorize({ issuer: idp.issuer, audience, role, viewRole: role }) }
  })
  .extend('serving', { scope: 'file', auto: true }, async ({ apps }) => (await apps('embedded')).serve())
  .extend(
    'open',
    ({ app, url }) =>
      (clientId = 'caller', clientSecret = 's') =>
        createClient<typeof jobs>({ url, token: { issuer: app.idp.issuer, clientId, clientSecret } }),
  )

test('a request is made with the credentials of a client, and waited for', async ({ open }) => {
  const worker = open()
  const request = await worker.request('export-articles', { since: '2026-01-01' })
  expect(await worker.wait(request)).toMatchObject({ id: request.id, state: 'done' })
  expect(await worker.find(request.id)).toMatchObject({ state: 'done' })
})

test('a request is watched until it has ended', async ({ open }) => {
  const worker = open()
  const states: string[] = []
  for await (const { state } of worker.watch(await worker.request('export-articles'))) states.push(state)
  expect(states.at(-1)).toBe('done')
})

test('what fails says why', async ({ open }) => {
  const worker = open()
  await expect(worker.wait(await worker.request('reject-all', { id: 1 }))).rejects.toMatchObject({
    code: 'request-failed',
    message: expect.stringContaining('the shop is closed'),
  })
})

test('one key is one request', async ({ open }) => {
  const worker = open()
  const options = { idempotencyKey: 'order-4711' }
  const [one, other] = await Promise.all([
    worker.request('export-articles', {}, options),
    worker.request('export-articles', {}, options),
  ])
  expect(other.id).toBe(one.id)
})

test.for([
  ['a wrong secret', 'caller', 'wrong'],
  ['no role', 'stranger', 's'],
] as const)('%s is refused', async ([_what, clientId, secret], { open }) => {
  await expect(open(clientId, secret).request('export-articles')).rejects.toMatchObject({ code: 'unauthorized' })
})

test('what the compiler was kept from seeing is refused with the words of the worker', async ({ app, url }) => {
  const worker = createClient({ url, token: { issuer: app.idp.issuer, clientId: 'caller', clientSecret: 's' } })
  await expect(worker.request('export-all')).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('There is no job "export-all"'),
  })
})

test('the changes of a mirror table are followed from a position on', async ({ app, open }) => {
  const table = mirrorRows({ into: 'prices', key: 'id', columns: { id: 'text', price: 'numeric' } })
  const writePrices = defineJob({
    name: 'write-prices',
    payload: z.strictObject({ ids: z.array(z.string()) }),
    into: 'prices',
    async run({ account }, { payload, transaction }) {
      const rows = payload.ids.map(id => ({ id, price: '1' }))
      const counts = await transaction(async tx => {
        await table.ensure(tx)
        return table.write(tx, account.name, rows)
      })
      return { counts }
    },
  })
  app.addJob(writePrices)
  const write = (...ids: string[]) => runPull(app, writePrices, 'default', { payload: { ids } as object })
  await write('a', 'b')
  const worker = open()
  const seen: string[] = []
  let last = '0'
  for await (const { key, op, position } of worker.changes('prices', { pollMs: 50 })) {
    seen.push(`${op} ${key.id}`)
    last = position
    if (seen.length === 2) await write('c')
    if (seen.length === 3) break
  }
  expect(seen).toEqual(['upsert a', 'upsert b', 'upsert c'])
  expect(await worker.changes('prices', { after: last, follow: false }).next()).toMatchObject({ done: true })
  await expect(worker.changes('prizes').next()).rejects.toMatchObject({ code: 'usage', status: 404 })
  // The worker's database was restored from an earlier dump.
  await expect(worker.changes('prices', { after: `${last}0`, follow: false }).next()).rejects.toMatchObject({
    code: 'usage',
    status: 410,
    reason: 'position',
    message: expect.stringContaining('read again from position 0'),
  })
})
