/** Checked by the compiler alone (`npm run types`): what must not compile is marked, and an error itself if it does. */
import { z } from 'zod'
import { defineJob, type JobContext } from '../../src/definitions/define-job.ts'

const nothing = z.strictObject({})

async function work({ signal }: JobContext<unknown>): Promise<void> {
  signal.throwIfAborted()
}

export const jobs = [
  defineJob({ name: 'returns-nothing', payload: nothing, async run() {} }),
  defineJob({ name: 'calls-what-returns-nothing', payload: nothing, run: (_session, context) => work(context) }),
  defineJob({
    name: 'returns-early',
    payload: nothing,
    async run(_session, { dryRun }) {
      if (dryRun) return
      return { counts: { read: 1 } }
    },
  }),
  defineJob({
    name: 'is-done-or-waits',
    payload: nothing,
    async run(_session, { dryRun, signal }) {
      if (dryRun) return {}
      return signal.aborted ? { waitMs: 60_000 } : {}
    },
  }),
  defineJob({
    name: 'is-done-or-has-steps',
    payload: nothing,
    async run(_session, { dryRun }) {
      return dryRun ? {} : { steps: ['sync-users'] }
    },
  }),
  // @ts-expect-error counts belong into `counts`
  defineJob({ name: 'returns-counts', payload: nothing, run: async () => ({ read: 1 }) }),
  // @ts-expect-error a text is no pause
  defineJob({ name: 'waits-for-a-text', payload: nothing, run: async () => ({ waitMs: '5' }) }),
]
