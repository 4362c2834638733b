import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineJob, type JobContext } from '../../src/definitions/define-job.ts'
import { readMirror } from '../../src/mirror/read-mirror.ts'
import { appTest } from '../fixtures/app-test.ts'
import { backends } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'

const test = appTest.extend('appOptions', { scope: 'file' }, { firstLogin: null, jobs: [] })

const account = 'default'
const mirror = { into: 'never_pulled', key: ['id'] }
const other = defineJob({ name: 'other', payload: z.strictObject({}), run: async () => ({}) })

const countAccounts = ({ store }: Pick<JobContext<unknown>, 'store'>) =>
  store.selectFrom('worker.accounts').select(sql<string>`count(*)`.as('count')).execute()

describe.each(backends)('inside a transaction on %s', backend => {
  test.override('backend', backend)

  test.for<[string, (context: JobContext<unknown>) => Promise<unknown>]>([
    ['store', countAccounts],
    ['transaction', context => context.transaction(async () => {})],
    ['statement', context => context.statement(held => sql`select 1 where ${held}`)],
    ['request', context => context.request(other)],
  ])('context.%s is refused at once', async ([used, use], { app }) => {
    const job = defineJob({
      name: `uses-${used}`,
      payload: z.strictObject({}),
      async run(_session, context) {
        await context.transaction(() => use(context))
        return {}
      },
    })
    app.addJob(job)
    await expect(runPull(app, job, account)).rejects.toMatchObject({
      code: 'inside-transaction',
      found: `uses-${used} used context.${used} inside context.transaction`,
    })
  })

  test('reads go through it, and what outlives it may use the store again', async ({ app }) => {
    const over = Promise.withResolvers<void>()
    const job = defineJob({
      name: 'reads-inside',
      payload: z.strictObject({}),
      async run(session, context) {
        const late = await context.transaction(async tx => {
          expect(await countAccounts({ store: tx })).toHaveLength(1)
          return { read: over.promise.then(() => readMirror(session, context, mirror)) }
        })
        over.resolve()
        expect(await late.read).toEqual([])
        return {}
      },
    })
    app.addJob(job)
    expect(await runPull(app, job, account)).toEqual({})
  })
})
