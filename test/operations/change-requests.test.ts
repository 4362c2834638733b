import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttp } from '../../src/http/create-http.ts'
import { cancelMany } from '../../src/operations/change-requests.ts'
import { createRequestEnds } from '../../src/runs/request-ends.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { openTestDashboard, type TestDashboard } from '../dashboard/open-dashboard.ts'
import { letIn } from '../fixtures/let-in.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

let app: TestApp
let http: FastifyInstance
let board: TestDashboard
beforeAll(async () => {
  app = await openTestApp({ jobs: [takeAnything('one'), takeAnything('two')], firstLogin: null })
  http = createHttp({ operations: app.operations, log: app.logged.log, authorize: letIn })
  board = await openTestDashboard(app)
})
afterAll(async () => {
  await board[Symbol.asyncDispose]()
  await http.close()
  await app[Symbol.asyncDispose]()
})

type Action = 'cancel' | 'retry'

/** Each way to change all requests of an account, which it finds by their state. */
const doors: Readonly<Record<string, (action: Action, account: string) => Promise<unknown>>> = {
  http: (action, account) =>
    http.inject({ method: 'POST', url: `/requests/${action}`, payload: { account, limit: 1_000 } }),
  async dashboard(action, account) {
    const { text } = await board.get(`confirm?action=${action}&account=${account}`)
    const upTo = /name="upTo" value="(\d+)"/.exec(text)?.[1] ?? expect.fail('no preview')
    await board.post('act', { action, account, upTo })
  },
  async 'the command line'(action, account) {
    const group = { account, repeatable: action === 'retry' }
    const states = action === 'retry' ? (['failed'] as const) : (['waiting', 'running'] as const)
    const ids = await app.operations.findRequestIds({ ...group, states })
    await (action === 'retry' ? app.operations.retryListed({ ids }) : app.operations.cancelListed({ ids }))
  },
}

async function make(account: string, job: string, n: number): Promise<string> {
  const asked = { account, job, trigger: 'cli', caller: 'test', payload: { n } } as const
  return (await acceptRequest(app.deps.store, asked)).id
}

async function waitingOf(account: string): Promise<readonly object[]> {
  const { rows } = await sql<object>`select job, (payload ->> 'n')::int as n, trigger from worker.requests
    where account = ${account} and state = 'waiting' order by job, rank, seq`.execute(app.deps.store)
  return rows
}

describe.each(Object.entries(doors))('a group changed by %s', (_door, change) => {
  test('is made again in the order in which each line was made', async () => {
    const account = app.addAccount()
    // Neither as numbers nor as texts in order.
    const numbers = Array.from({ length: 40 }, (_, index) => (index * 17) % 41)
    for (const n of numbers) for (const job of ['one', 'two']) await make(account, job, n)
    await sql`update worker.requests set state = 'failed', ended_at = now() where account = ${account}`.execute(
      app.deps.store,
    )
    await change('retry', account)
    expect(await waitingOf(account)).toEqual(
      ['one', 'two'].flatMap(job => numbers.map(n => ({ job, n, trigger: 'retry' }))),
    )
  })

  test('is made again once: what was repeated and has succeeded since isn’t repeated with what failed later', async () => {
    const account = app.addAccount()
    const { store } = app.deps
    const endWaiting = (state: string) =>
      sql`update worker.requests set state = ${state}, ended_at = now() where account = ${account} and state = 'waiting'`.execute(
        store,
      )
    for (const n of [1, 2]) await make(account, 'one', n)
    await endWaiting('failed')
    await change('retry', account)
    await endWaiting('done')
    await make(account, 'one', 3)
    await endWaiting('failed')
    await change('retry', account)
    expect(await waitingOf(account)).toEqual([{ job: 'one', n: 3, trigger: 'retry' }])
  })

  test('is cancelled as a whole', async () => {
    const account = app.addAccount()
    for (const n of [1, 2, 3]) await make(account, 'one', n)
    await change('cancel', account)
    const { rows } = await sql`select state, error_code from worker.requests where account = ${account}`.execute(
      app.deps.store,
    )
    expect(rows).toEqual(Array(3).fill({ state: 'cancelled', error_code: 'cancelled' }))
  })
})

test('one that has ended since it was found is not changed, and one that was superseded ends with its successor', async () => {
  const account = app.addAccount()
  const [ended, successor, superseded] = [
    await make(account, 'one', 1),
    await make(account, 'one', 2),
    await make(account, 'two', 3),
  ]
  await sql`update worker.requests set ended_at = now(), state = case when id = ${ended} then 'done' else 'superseded' end,
    superseded_by = case when id = ${superseded} then ${successor} end where id in (${ended}, ${superseded})`.execute(
    app.deps.store,
  )
  const { signal } = new AbortController()
  const { deps } = app
  const reading = { deps, only: undefined, tickets: undefined, ends: createRequestEnds(deps) }
  expect(await cancelMany(reading, [superseded, 'unknown', ended], signal)).toEqual([
    { id: superseded, state: 'cancelled', changed: true },
    { id: ended, state: 'done', changed: false },
  ])
})
