import { sql } from 'kysely'
import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { defineJob, type JobContext, type JobDefinition, type JobResult } from './define-job.ts'

/** The job that a new account begins with, where the list has it. */
export const bootstrapJob = 'bootstrap-account'

/**
 * Milliseconds until the bootstrap looks again whether the step in hand is done: a tenth of the time for which it has waited,
 * so that one that waits for somebody to mend something costs nothing.
 */
function pauseMs(waitedMs: number): number {
  return Math.min(Math.max(500, waitedMs / 10), 30_000)
}

/**
 * Brings a new account up: the gate has logged it in and made its user visible before this runs; then each sync is requested
 * when the one before has succeeded. Which step has come how far is in the store, so a restart goes on where it was.
 */
export function bootstrapAccount(steps: readonly JobDefinition[]): JobDefinition {
  return defineJob({
    name: bootstrapJob,
    needsWorker: true,
    payload: z.strictObject({}),
    async run(session, context): Promise<JobResult> {
      const account = session.account.name
      for (const step of steps.filter(({ name }) => context.accountJobs.has(name))) {
        const waitedMs = await advance(context, account, step.name)
        if (waitedMs !== undefined) return { waitMs: pauseMs(waitedMs) }
      }
      await context.transaction(tx =>
        tx
          .updateTable('worker.accounts')
          .set({ bootstrapped_at: sql<Date>`now()` })
          .where('name', '=', account)
          .execute(),
      )
      return {}
    },
  })
}

/** @returns for how long the step has been waited for, in milliseconds; undefined when it is done */
async function advance(context: JobContext<unknown>, account: string, step: string): Promise<number | undefined> {
  const { store, requestId, log } = context
  const row = await store
    .selectFrom('worker.bootstrap_steps')
    .select(['state', 'request_id', 'updated_at'])
    .where('bootstrap_id', '=', requestId)
    .where('step', '=', step)
    .executeTakeFirst()
  if (row?.state === 'done') return undefined
  // Asked for under the same id again after a crash between asking and noting it.
  const { id } = row ? { id: row.request_id } : await context.request(step, `${requestId}-${step}`)
  if (!row) {
    log.info({ step, request: id }, 'bootstrap: step requested')
    await context.transaction(tx =>
      tx
        .insertInto('worker.bootstrap_steps')
        .values({ bootstrap_id: requestId, step, account, request_id: id })
        .execute(),
    )
    return 0
  }
  const request = await context.findRequest(id)
  if (request?.state === 'open') return context.clock.now() - row.updated_at.getTime()
  if (request?.state === 'done') {
    await noteStep(context, step, 'done')
    return undefined
  }
  await noteStep(context, step, 'failed')
  throw new PermanentError('bootstrap-step', {
    found: `The bootstrap of "${account}" stopped at ${step} (${request?.reason ?? 'its request is gone from the queue'})`,
    remedy: `mend that and run "bootstrap --account ${account}" again`,
  })
}

async function noteStep(context: JobContext<unknown>, step: string, state: 'done' | 'failed'): Promise<void> {
  await context.transaction(tx =>
    tx
      .updateTable('worker.bootstrap_steps')
      .set({ state, updated_at: sql<Date>`now()` })
      .where('bootstrap_id', '=', context.requestId)
      .where('step', '=', step)
      .execute(),
  )
}
