import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  dropLiveStates,
  type LiveReport,
  listLiveStates,
  releaseAccounts,
  saveLiveStates,
  takeAccounts,
} from '../../src/live/live-lease.ts'
import { type Lines, openLines, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('the subscriptions of an account on %s', backend => {
  let lines: Lines
  beforeAll(async () => {
    lines = await openLines(backend)
  })
  afterAll(() => lines[Symbol.asyncDispose]())
  const newAccount = () => `account-${randomUUID()}`
  const take = async (process: string, ...accounts: string[]) =>
    (await takeAccounts(lines.store, process, accounts)).map(({ account }) => account).toSorted()

  test('belong to the process that asked first, for as long as it lives', async () => {
    const [one, other] = [await lines.newProcess(), await lines.newProcess()]
    const [a, b] = [newAccount(), newAccount()].toSorted()
    if (!a || !b) throw new Error('there are two')
    expect(await take(one, a)).toEqual([a])
    expect(await take(other, a, b)).toEqual([b])
    expect(await take(one, a, b)).toEqual([a])
    await lines.kill(one)
    expect(await take(other, a, b)).toEqual([a, b])
  })

  test('belong to one when many ask at once', async () => {
    const processes = await Promise.all(Array.from({ length: 5 }, () => lines.newProcess()))
    const account = newAccount()
    const taken = await Promise.all(processes.map(process => take(process, account)))
    expect(taken.flat()).toEqual([account])
  })

  test('are free at once when they were released', async () => {
    const [one, other] = [await lines.newProcess(), await lines.newProcess()]
    const account = newAccount()
    await take(one, account)
    await releaseAccounts(lines.store, one)
    expect(await take(other, account)).toEqual([account])
  })

  test.each([
    ['a hold of the account', '', 'client-auth', '5 minutes', true],
    ['a hold of one job', 'sync-things', 'contract', '5 minutes', false],
    ['a pause that the API asked for', '', 'rate-limited', '5 minutes', true],
    ['such a pause that is over', '', 'rate-limited', '-1 minutes', false],
  ])('are told of %s', async (_, job, code, untilProbe, isHeld) => {
    const process = await lines.newProcess()
    const account = newAccount()
    await lines.store
      .insertInto('worker.holds')
      .values({ account, job, met_by: 'gate', code, found: 'x', remedy: null, probe_at: inFuture(untilProbe) })
      .execute()
    expect(await takeAccounts(lines.store, process, [account])).toEqual([{ account, isHeld }])
  })

  test('have a state for each job, whose beginning is kept while it lasts', async () => {
    const account = newAccount()
    const save = (report: LiveReport) => saveLiveStates(lines.store, account, new Map([['sync-things', report]]))
    const problem = { code: 'upgrade', found: 'No WebSocket', remedy: 'let it pass' }
    await save({ state: 'failing', problem })
    const states = () =>
      lines.store.selectFrom('worker.live').selectAll().where('account', '=', account).orderBy('job').execute()
    const [first] = await states()
    expect(first).toMatchObject({ state: 'failing', ...problem })
    await save({ state: 'failing', problem: { ...problem, found: 'Still none' } })
    expect(await states()).toMatchObject([{ found: 'Still none', since: first?.since }])
    await save({ state: 'live' })
    expect(await states()).toMatchObject([{ state: 'live', code: null, found: null, remedy: null }])
    await dropLiveStates(lines.store, account, ['another'])
    expect(await states()).toEqual([])
  })

  test('are told as what they are: while nobody keeps them, or the account is held, no job is live', async () => {
    const process = await lines.newProcess()
    const account = newAccount()
    await saveLiveStates(
      lines.store,
      account,
      new Map([
        ['b', { state: 'live' }],
        ['a', { state: 'connecting' }],
      ]),
    )
    const told = async () =>
      (await listLiveStates(lines.store)).get(account)?.map(({ problem, state }) => problem?.code ?? state)
    expect(await told()).toEqual(['no-worker', 'no-worker'])
    await take(process, account)
    expect(await told()).toEqual(['connecting', 'live'])
    await lines.store
      .insertInto('worker.holds')
      .values({
        account,
        job: '',
        met_by: 'gate',
        code: 'client-auth',
        found: 'x',
        remedy: null,
        probe_at: inFuture('5'),
      })
      .execute()
    expect(await told()).toEqual(['held', 'held'])
  })
})

function inFuture(text: string): Date {
  return new Date(Date.now() + Number.parseInt(text, 10) * 60_000)
}
