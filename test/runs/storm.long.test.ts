import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { appTest } from '../fixtures/app-test.ts'
import { backends } from '../fixtures/open-test-app.ts'

/** One time a job was at work, on this machine's one clock. */
interface Interval {
  readonly place: string
  readonly n: number
  readonly from: number
  readonly to: number
}

const test = appTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })
  .extend('appOptions', { scope: 'file' }, { firstLogin: null, jobs: [] })
  .extend('accounts', ({ app }) => [app.addAccount(), app.addAccount()])
  .extend('peer', async ({ accounts: _known, app }, { onCleanup }) => {
    const peer = await app.openPeer()
    onCleanup(() => peer[Symbol.asyncDispose]())
    return peer
  })

describe.each(backends)('a storm of requests on %s, handled by two processes', backend => {
  test.override('backend', backend)

  test('never runs twice at once for an account and a job, and every request is followed by a run of its payload', async ({
    accounts,
    app,
    peer,
  }) => {
    for (const each of [app, peer]) await each.serve({ slots: 6 })
    const wanted = fc.array(
      fc.record({
        account: fc.constantFrom(...accounts),
        job: fc.integer({ min: 0, max: 1 }),
        n: fc.integer({ min: 0, max: 2 }),
        priority: fc.constantFrom('high' as const, 'normal' as const, 'low' as const),
        afterMs: fc.integer({ min: 0, max: 60 }),
        runsMs: fc.integer({ min: 0, max: 15 }),
      }),
      { minLength: 20, maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(wanted, async requests => {
        const intervals: Interval[] = []
        const names = [randomUUID(), randomUUID()].map(id => `job-${id}`)
        const plans = new Map(
          requests.map(request => [`${request.account}/${names[request.job]}/${request.n}`, request]),
        )
        for (const name of names) {
          app.addJob(
            defineJob({
              name,
              payload: z.object({ n: z.number() }),
              async run(session, { payload }) {
                const place = `${session.account.name}/${name}`
                const plan = plans.get(`${place}/${payload.n}`)
                const from = performance.now()
                await pause(plan?.runsMs ?? 0)
                intervals.push({ place, n: payload.n, from, to: performance.now() })
                return {}
              },
            }),
          )
        }
        const asked = await Promise.all(
          requests.map(async ({ account, job, n, priority, afterMs }, index) => {
            await pause(afterMs)
            const at = performance.now()
            const place = `${account}/${names[job]}`
            const { operations } = index % 2 ? app : peer
            const { id } = await operations.makeRequest({
              job: names[job] ?? '',
              account,
              payload: { n },
              trigger: 'http',
              caller: 'test',
              priority,
            })
            return { id, place, n, at }
          }),
        )
        for (const { id } of asked) {
          await expect.poll(async () => (await app.operations.getRequest({ id })).state).toBe('done')
        }
        for (const place of new Set(intervals.map(interval => interval.place))) {
          const inOrder = intervals.filter(interval => interval.place === place).toSorted((a, b) => a.from - b.from)
          for (const [index, { from }] of inOrder.entries()) {
            expect(from).toBeGreaterThanOrEqual(inOrder[index - 1]?.to ?? 0)
          }
        }
        for (const { place, n, at } of asked) {
          const followed = intervals.some(run => run.place === place && run.n === n && run.from >= at)
          expect(followed, `${place} ${n}`).toBe(true)
        }
        expect(intervals.length).toBeLessThanOrEqual(asked.length)
      }),
      { numRuns: 3, endOnFailure: true },
    )
  })
})
