import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { doors } from '../../src/http/doors.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const accounts = ['north', 'south', 'west']
const jobNames = ['one', 'two', 'three']

const test = httpTest
  .extend(
    'appOptions',
    { scope: 'file' },
    {
      clients: accounts.map(clientId => ({ clientId })),
      jobs: jobNames.map(name => ({ ...takeAnything(name), schedule: { everySeconds: 3_600 } })),
      firstLogin: null,
    },
  )
  .extend('filled', { scope: 'file', auto: true }, async ({ apps }) => {
    const { store } = (await apps('embedded')).deps
    for (const account of accounts) {
      const asked = { account, job: 'one', trigger: 'cli', caller: 'test' } as const
      for (const n of [1, 2, 3]) await acceptRequest(store, { ...asked, payload: { n } })
      for (const job of jobNames) {
        await sql`insert into worker.holds (account, job, met_by, code, found, remedy, probe_at)
          values (${account}, ${job}, 'gate', 'claims', 'x', null, now() + interval '1 hour')`.execute(store)
        await sql`insert into worker.runs (id, request_id, account, job, trigger, attempt, process, fence, state)
          values (gen_random_uuid(), 'none', ${account}, ${job}, 'cli', 1, gen_random_uuid(), 1, 'succeeded')`.execute(
          store,
        )
      }
    }
  })

test.for(['?status=failed', '?state[]=failed', '?page=2'])(
  'a filter that does not exist is refused, instead of everything being listed: %s',
  async (query, { http }) => {
    const answer = await http.inject({ url: `/requests${query}` })
    expect(answer.json()).toMatchObject({ status: 400, detail: expect.stringMatching(/^The query is invalid .*key/) })
  },
)

const pageSchema = z.object({ items: z.array(z.unknown()), next: z.string().nullable() })

async function get(http: FastifyInstance, path: string) {
  const answer = await http.inject({ url: path })
  expect({ path, status: answer.statusCode, said: answer.body }).toMatchObject({ status: 200 })
  return pageSchema.parse(answer.json())
}

const lists = doors.filter(({ operation }) => operation.cursor)

describe.each(lists)('$operation.route', ({ operation }) => {
  const path = operation.route.replace('GET ', '')

  test('has the same items in pages as at once, each once', async ({ http }) => {
    const whole = await get(http, `${path}?limit=1000`)
    expect(whole.next).toBeNull()
    expect(whole.items.length).toBeGreaterThan(2)
    const found: unknown[] = []
    let next: string | null = ''
    while (next !== null) {
      const page = await get(http, `${path}?limit=2${next && `&after=${encodeURIComponent(next)}`}`)
      expect(page.items.length).toBeLessThanOrEqual(2)
      found.push(...page.items)
      next = page.next
    }
    expect(found).toEqual(whole.items)
  })

  test.for(['nothing', '-1', '%00', '1;drop'])('refuses a cursor that is none: %s', async (after, { http }) => {
    const answer = await http.inject({ url: `${path}?after=${after}` })
    expect({ status: answer.statusCode, said: answer.json() }).toMatchObject({ status: 400, said: { code: 'usage' } })
  })
})

test('every list over HTTP is paged', () => {
  const plain = doors.filter(({ operation }) => operation.route.startsWith('GET') && !operation.cursor)
  expect(plain.map(({ name }) => name).toSorted()).toEqual(['getRequest', 'listChanges'])
})
