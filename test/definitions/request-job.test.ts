import { expect } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { defineSpec } from '../../src/definitions/job-spec.ts'
import { appTest } from '../fixtures/app-test.ts'
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

const test = appTest.extend(
  'appOptions',
  { scope: 'file' },
  {
    jobs: [asking, askingAmiss, defineJob({ ...rebuild, run: async () => ({}) })],
    firstLogin: null,
  },
)

test('a job requests another one by its spec, and equal requests are one', async ({ app }) => {
  expect(await runPull(app, asking, 'default')).toMatchObject({ counts: { read: 2 } })
  const requests = await app.deps.store
    .selectFrom('worker.requests')
    .select('payload')
    .where('job', '=', 'rebuild')
    .orderBy('rank')
    .execute()
  expect(requests.map(({ payload }) => payload)).toEqual([{ since: '2026' }, {}])
})

test('a job that is not in the list is refused by its name', async ({ app }) => {
  await expect(runPull(app, askingAmiss, 'default')).rejects.toThrow('"unlisted"')
})
