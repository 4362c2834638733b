import { describe, expect } from 'vitest'
import { jobs as wikiJobs } from '../../examples/wiki/src/jobs/list.ts'
import { type Clock, systemClock } from '../../src/time/clock.ts'
import { appTest as test } from '../fixtures/app-test.ts'
import { jumpingClock } from '../fixtures/jumping-clock.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'

function request(app: TestApp, job: string, account: string) {
  return app.operations.makeRequest({ job, account, payload: undefined, trigger: 'cli', caller: 'test' })
}

describe('ten accounts with a wrong secret beside a good one', () => {
  test('stop nothing of it, and ask the identity provider once in each pause', async ({ sandbox }) => {
    await using app = await openTestApp({ sandbox, clients: [{ clientId: 'good' }] })
    // However slow the machine is, a refusal stays the answer for those who were on their way when it came.
    const startedAt = systemClock.now()
    const standing: Clock = { ...systemClock, now: () => startedAt }
    const bad = Array.from({ length: 10 }, () => app.addAccount({}, standing))
    for (const name of bad) sandbox.idp.rotateSecret(name, 'another')
    const grants = (name: string) => sandbox.idp.tokenRequests.filter(({ clientId }) => clientId === name).length
    const syncs = ['sync-users', 'sync-topics', 'sync-articles']
    for (const name of bad) for (const job of syncs) await request(app, job, name)
    const { id } = await request(app, 'bootstrap-account', 'good')
    const serving = await app.serve()

    await expect.poll(async () => (await app.operations.getRequest({ id })).state).toBe('done')
    await expect.poll(async () => (await app.operations.listHolds()).length).toBe(10)
    expect(new Set((await app.operations.listHolds()).map(hold => `${hold.code} ${hold.job}`))).toEqual(
      new Set(['client-auth null']),
    )
    // A pause is of real time, so one may be over by now.
    const countProbes = async () => {
      const holds = await app.deps.store.selectFrom('worker.holds').select(['account', 'probes']).execute()
      return new Map(holds.map(({ account, probes }) => [account, probes]))
    }
    // A machine so busy that the heart missed its beats has interrupted runs too: each may have asked once more, or not yet.
    const countInterrupted = async () => {
      const runs = await app.operations.listRuns({ limit: 1_000 })
      return (name: string) => runs.filter(run => run.account === name && run.state === 'interrupted').length
    }
    const findOthers = async () => {
      const probes = await countProbes()
      const interrupted = await countInterrupted()
      return bad.filter(name => Math.abs(grants(name) - 1 - (probes.get(name) ?? 0)) > interrupted(name))
    }
    await expect.poll(findOthers).toEqual([])
    const before = await countProbes()

    // The pause is over, and was waited for by three requests of each.
    await app.deps.store
      .updateTable('worker.holds')
      .set({ probe_at: new Date(0) })
      .execute()
    for (const name of bad) for (const job of syncs) await request(app, job, name)
    serving.look()
    const findUnprobed = async () => {
      const probes = await countProbes()
      return bad.filter(name => (probes.get(name) ?? 0) <= (before.get(name) ?? 0))
    }
    await expect.poll(findUnprobed).toEqual([])
    await app.deps.clock.sleep(1_000)
    await expect.poll(findOthers).toEqual([])
    const runs = await app.operations.listRuns({ limit: 1_000 })
    const endsOf = (isOf: (account: string) => boolean) =>
      new Set(runs.filter(run => isOf(run.account) && run.state !== 'interrupted').map(({ state }) => state))
    expect(endsOf(account => account === 'good')).toEqual(new Set(['succeeded']))
    expect(endsOf(account => account !== 'good')).toEqual(new Set(['refused']))
  })
})

describe('a token', () => {
  test('that is revoked during a run costs that run one more grant and nothing else', async ({ sandbox }) => {
    // On demand alone: neither a bootstrap nor a tick comes between.
    const onDemand = ['sync-users', 'sync-articles'].map(name => {
      const { schedule: _, ...job } = wikiJobs.find(known => known.name === name) ?? expect.fail(`no job ${name}`)
      return job
    })
    await using app = await openTestApp({ sandbox, clients: [{ clientId: 'revoked' }], jobs: onDemand })
    const grants = () => sandbox.idp.tokenRequests.filter(({ clientId }) => clientId === 'revoked').length
    await app.serve()
    const { id: before } = await request(app, 'sync-users', 'revoked')
    await expect.poll(async () => (await app.operations.getRequest({ id: before })).state).toBe('done')
    expect(grants()).toBe(1)
    const mend = sandbox.hasura.fault(
      { operationName: 'PullArticles', after: 1, times: 1 },
      { kind: 'graphql-error', code: 'invalid-jwt', message: 'Could not verify JWT: JWTExpired' },
    )
    const { id } = await request(app, 'sync-articles', 'revoked')
    await expect.poll(async () => (await app.operations.getRequest({ id })).state).toBe('done')
    mend()
    expect(grants()).toBe(2)
    const [run, ...others] = await app.operations.listRuns({ job: 'sync-articles', limit: 10 })
    const [visible] = await sandbox.hasura.sql("select count(*)::int as rows from articles where status = 'published'")
    expect({ state: run?.state, inserted: run?.counts?.inserted, others }).toEqual({
      state: 'succeeded',
      inserted: visible?.rows,
      others: [],
    })
  })

  test('that has expired is fetched once when a thousand requests start at that moment', async ({ sandbox }) => {
    const clock = jumpingClock()
    await using app = await openTestApp({ sandbox, clients: [{ clientId: 'expired' }], clock })
    const access = app.deps.accounts.get('expired')
    if (!access) throw new Error('there is no such account')
    const grants = () => sandbox.idp.tokenRequests.filter(({ clientId }) => clientId === 'expired').length
    const old = await access.tokens.get()
    clock.jump(300_000)
    const fresh = new Set(await Promise.all(Array.from({ length: 1_000 }, () => access.tokens.get())))
    expect(fresh.size).toBe(1)
    expect(fresh.has(old)).toBe(false)
    expect(grants()).toBe(2)
  })
})
