import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createHttp } from '../../src/http/create-http.ts'
import { doors } from '../../src/http/doors.ts'
import { routeOf } from '../../src/http/operation-route.ts'
import { apiRoles } from '../../src/operations/operation.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { appTest } from '../fixtures/app-test.ts'
import { letInAs } from '../fixtures/let-in.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

/** The other tenant's: in no answer to a caller that is bound to another account. */
const foreign = 'southern'

const test = appTest
  .extend(
    'appOptions',
    { scope: 'file' },
    {
      clients: ['north', foreign, 'shared'].map(clientId => ({ clientId })),
      callers: { north: ['portal', 'desk'], [foreign]: [`${foreign}-portal`, 'desk', 'phone/somebody'] },
      jobs: [{ ...takeAnything('take-anything'), schedule: { everySeconds: 3_600 } }],
      firstLogin: null,
    },
  )
  .extend('foreignRequest', { scope: 'file', auto: true }, async ({ apps }) => {
    const { store } = (await apps('embedded')).deps
    const asked = { job: 'take-anything', trigger: 'cli', caller: 'test' } as const
    await acceptRequest(store, { ...asked, account: 'north', payload: {} })
    const accepted = await acceptRequest(store, { ...asked, account: foreign, payload: {} })
    await sql`create table mirror.things (_account text, id int, _synced_at timestamptz, _deleted_at timestamptz,
      _change bigint, primary key (_account, id))`.execute(store)
    for (const account of ['north', foreign]) {
      await sql`insert into mirror.things values (${account}, 1, now(), null, 1)`.execute(store)
      await sql`insert into worker.holds (account, job, met_by, code, found, remedy, probe_at)
        values (${account}, '', 'gate', 'claims', 'x', null, now() + interval '1 hour')`.execute(store)
      await sql`insert into worker.runs (id, request_id, account, job, trigger, attempt, process, fence, state)
        values (gen_random_uuid(), 'none', ${account}, 'take-anything', 'cli', 1, gen_random_uuid(), 1, 'succeeded')`.execute(
        store,
      )
    }
    return accepted.id
  })
  .extend('openAs', ({ app }) => (client: string): FastifyInstance => {
    return createHttp({ operations: app.operations, log: app.logged.log, authorize: letInAs(apiRoles, client) })
  })

interface Asked {
  readonly account?: string
  readonly id?: string
}

/** Asks for an operation with everything that it needs, and the account where it takes one. */
async function ask(
  foreignRequest: string,
  http: FastifyInstance,
  route: string,
  { account, id = foreignRequest }: Asked = {},
) {
  const door = doors.find(({ operation }) => operation.route === route)
  if (!door) throw new TypeError(`${route} is served over HTTP`)
  const { method, path } = routeOf(door.operation)
  const states: Record<string, string> = { 'POST /requests/cancel': 'waiting', 'POST /requests/retry': 'failed' }
  const needed = { account, table: 'things', paused: true, preview: true, state: states[route] }
  const known = Object.fromEntries(
    Object.entries(needed).filter(([name, value]) => name in door.input.shape && value !== undefined),
  )
  const url = path.replace(':id', id).replace(':job', 'take-anything')
  const query = new URLSearchParams(
    Object.entries(known).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
  const answer =
    method === 'GET'
      ? await http.inject({ url: `${url}?${query}` })
      : await http.inject({ method, url, payload: known, headers: { 'content-type': 'application/json' } })
  return { status: answer.statusCode, body: answer.body }
}

const takesAccount = doors.filter(({ input }) => 'account' in input.shape).map(({ operation }) => operation.route)
const takesId = doors.filter(({ input }) => 'id' in input.shape).map(({ operation }) => operation.route)

describe('a caller that an account names', () => {
  test.for(doors.map(({ operation }) => operation.route))(
    'sees nothing of another account: %s',
    async (route, { foreignRequest, openAs }) => {
      await using http = openAs('portal')
      expect((await ask(foreignRequest, http, route)).body).not.toContain(foreign)
    },
  )

  test.for(takesAccount)(
    'is told of another account what it is told of one that there is not: %s',
    async (route, { foreignRequest, openAs }) => {
      await using http = openAs('portal')
      const [other, none] = [
        await ask(foreignRequest, http, route, { account: foreign }),
        await ask(foreignRequest, http, route, { account: 'nowhere' }),
      ]
      expect(other.status).toBe(404)
      expect(other.body.replaceAll(foreign, '…')).toBe(none.body.replaceAll('nowhere', '…'))
    },
  )

  test.for(takesId)(
    'is told of another’s request what it is told of one that there is not: %s',
    async (route, { app, foreignRequest, openAs }) => {
      await using http = openAs('portal')
      const [other, none] = [
        await ask(foreignRequest, http, route),
        await ask(foreignRequest, http, route, { id: 'none' }),
      ]
      expect(other.status).toBe(404)
      expect(other.body.replaceAll(foreignRequest, '…')).toBe(none.body.replaceAll('none', '…'))
      const report = await app.operations.getRequest({ id: foreignRequest })
      expect(report.state).toBe('waiting')
    },
  )
})

const accountsOf = z.object({ items: z.array(z.object({ name: z.string() })) })

test.for([
  ['portal', ['north']],
  [`${foreign}-portal`, [foreign]],
  ['desk', ['north', foreign]],
  // By client and subject.
  ['phone', [foreign]],
  // Whom nobody names uses what is nobody's in particular.
  ['stranger', ['shared']],
  // Names are compared as a whole.
  ['porta', ['shared']],
] as const)('%s uses the accounts %j', async ([client, expected], { openAs }) => {
  await using http = openAs(client)
  const { items } = accountsOf.parse((await http.inject({ url: '/accounts' })).json())
  expect(items.map(({ name }) => name)).toEqual(expected)
})

test('the control socket’s callers use every account', async ({ app }) => {
  expect((await app.operations.listAccounts()).map(({ name }) => name)).toEqual(['north', foreign, 'shared'])
})

test('a caller with one account need not name it, and one with several has to', async ({ foreignRequest, openAs }) => {
  await using portal = openAs('portal')
  expect(await ask(foreignRequest, portal, 'POST /jobs/:job/requests')).toMatchObject({ status: 202 })
  expect((await portal.inject({ url: '/changes?table=things' })).json()).toMatchObject({
    changes: [{ account: 'north', key: { id: '1' } }],
  })
  await using desk = openAs('desk')
  for (const route of ['POST /jobs/:job/requests', 'GET /changes', 'POST /holds/probe']) {
    expect(await ask(foreignRequest, desk, route)).toMatchObject({
      status: 400,
      body: expect.stringContaining('several accounts'),
    })
  }
})
