import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { defineSpec } from '../../src/definitions/job-spec.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'

const rebuild = defineSpec({ name: 'rebuild', payload: z.strictObject({ since: z.string().optional() }) })
const unlisted = defineSpec({ name: 'unlisted', payload: z.strictObject({}) })

const asking = defineJob({
  name: 'ask',
  payload: z.strictObject({}),
  async run(_session, context) {
    const first = await context.request(rebuild, { since: '2026' })
    const second = await context.request(rebuild, { since: '2026' })
    const other = await context.request(rebuild)
    return { counts: { read: new Set([first.id, second.id, other.id]).size } }
  },
})

const askingAmiss = defineJob({
  name: 'ask-amiss',
  payload: z.strictObject({}),
  run: async (_session, context) => ({ to: (await context.request(unlisted)).id }),
})

let app: TestApp
beforeAll(async () => {
  const rebuilding = defineJob({ ...rebuild, run: async () => ({}) })
  app = await openTestApp({ jobs: [asking, askingAmiss, rebuilding], firstLogin: null })
})
afterAll(() => app[Symbol.asyncDispose]())

test('a job requests another one by its spec, and equal requests are one', async () => {
  expect(await runPull(app, asking, 'default')).toMatchObject({ counts: { read: 2 } })
  const requests = await app.deps.store
    .selectFrom('worker.requests')
    .select('payload')
    .where('job', '=', 'rebuild')
    .orderBy('rank')
    .execute()
  expect(requests.map(({ payload }) => payload)).toEqual([{ since: '2026' }, {}])
})

test('a job that is not in the list is refused by its name', async () => {
  await expect(runPull(app, askingAmiss, 'default')).rejects.toThrow('"unlisted"')
})
