import { z } from 'zod'
import { defineJob, type JobDefinition } from './define-job.ts'
import { defineSpec, type JobSpec } from './job-spec.ts'

/** The job that a new account starts with, if the list has it. */
export const bootstrapJob = 'bootstrap-account'

const bootstrapSpec = defineSpec({ name: bootstrapJob, payload: z.strictObject({}) })

/**
 * Sets up a new account. Before this job runs, the gate has logged the account in and made its user visible. Then each sync is
 * requested when the previous one has succeeded. The end of a step and the request for the next are one transaction, so a restart
 * loses no step.
 *
 * @example
 * import { bootstrapAccount } from 'hasura-sync-worker'
 * import { syncUsers } from './sync-users.ts'
 *
 * const syncs = [syncUsers] as const
 *
 * export const jobs = [...syncs, bootstrapAccount(syncs)] as const
 */
export function bootstrapAccount(
  steps: readonly JobSpec[],
): JobDefinition<typeof bootstrapSpec.name, typeof bootstrapSpec.payload> {
  return defineJob({
    ...bootstrapSpec,
    needsWorker: true,
    run: async (_session, context) => ({
      steps: steps.map(step => step.name).filter(name => context.accountJobs.has(name)),
    }),
  })
}
