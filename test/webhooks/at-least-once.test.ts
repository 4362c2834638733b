import fc from 'fast-check'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { openSubscription, openWebhooks } from './open-webhooks.ts'
import type { Received } from './start-receiver.ts'

let opened: Awaited<ReturnType<typeof openWebhooks>>
const test = sandboxTest.extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })

test.beforeAll(async ({ sandbox }) => {
  opened = await openWebhooks('embedded', sandbox)
})
test.afterAll(async () => {
  await opened[Symbol.asyncDispose]()
})

const ids = ['a', 'b', 'c'] as const
const write = fc.record({ id: fc.constantFrom(...ids), n: fc.integer({ min: 0, max: 9 }).map(String) })
const step = fc.oneof(
  { weight: 3, arbitrary: write.map(row => ({ rows: [row] })) },
  { weight: 1, arbitrary: fc.constantFrom(...ids).map(id => ({ deleted: [id] })) },
  { weight: 3, arbitrary: fc.constantFrom('well', 'lost answer', 'refused', 'stopped', 'superseded') },
)

test('each change arrives, for each key in order, whatever becomes of answers and processes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async steps => {
      await using hook = await openSubscription(opened.app, opened.env, { rows: true })
      const { store } = opened.app.deps
      const taken = new Set<Received>()
      const deliver = async (fault: string) => {
        const stopping = new AbortController()
        hook.receiver.answer(async (response, message) => {
          // What was refused was not taken in.
          if (fault !== 'refused') taken.add(message)
          if (fault === 'lost answer') return response.destroy()
          if (fault === 'refused') return response.writeHead(500).end()
          if (fault === 'stopped') return stopping.abort(new Error('the worker stops'))
          // What becomes of a process that was taken for dead.
          if (fault === 'superseded') {
            await sql`update worker.requests set state = 'waiting', run_id = null
              where account = ${hook.account} and job = ${hook.job} and state = 'running'`.execute(store)
            await sql`update worker.leases set run_id = null, process = null, slot = null
              where account = ${hook.account} and job = ${hook.job}`.execute(store)
          }
          return response.writeHead(204).end()
        })
        await hook.deliver(stopping.signal)
        await hook.pass(600)
      }
      await hook.write({ rows: [{ id: 'a', n: '0' }] })
      for (const each of steps) await (typeof each === 'string' ? deliver(each) : hook.write(each))
      await hook.ask()
      while ((await hook.requests()).some(({ state }) => state === 'waiting')) await deliver('well')

      const applied = new Map<string, { position: bigint; row: unknown }>()
      const bodies = new Map<string, string>()
      for (const { id, body, data } of taken) {
        expect(bodies.get(id) ?? body).toBe(body)
        bodies.set(id, body)
        for (const { key, position, row } of data.changes) {
          const before = applied.get(key.id ?? '')?.position ?? 0n
          expect(BigInt(position)).toBeGreaterThanOrEqual(before)
          applied.set(key.id ?? '', { position: BigInt(position), row })
        }
      }
      const { rows } = await sql<{ id: string; position: string; row: unknown }>`
        select id, _change::text as position,
          case when _deleted_at is null then json_build_object('id', id, 'n', n, 'm', m) end as row
        from ${sql.table(`mirror.${hook.table.into}`)} where _account = ${hook.account}`.execute(store)
      const mirrored = rows.map(({ id, position, row }) => [id, { position: BigInt(position), row: row ?? undefined }])
      expect(Object.fromEntries(applied)).toEqual(Object.fromEntries(mirrored))
    }),
    { numRuns: 15 },
  )
})
