import { z } from 'zod'
import { forgetAccount } from '../forget/forget-account.ts'
import { resetJob } from '../forget/reset-job.ts'
import { defineOperation } from './operation.ts'
import { resolve } from './resolve.ts'
import { nameValue } from './values.ts'

/** Deletes a checkpoint: the next run reads everything. UsageError while the job is running. */
export const reset = defineOperation({
  route: 'POST /jobs/:job/reset',
  roles: ['operate'],
  input: z.object({ job: nameValue, account: nameValue.optional() }),
  output: z.void(),
  async run({ deps }, wanted) {
    const { job, access } = resolve(deps, wanted)
    await resetJob(deps, access.account.name, job.name)
  },
})

/**
 * Deletes everything stored about an account, including its tickets on Redis. UsageError while it is configured (without
 * `configured`), and while one of its jobs is running.
 */
export const forget = defineOperation({
  route: 'POST /accounts/:account/forget',
  roles: [],
  input: z.object({
    account: nameValue,
    /** Forget an account that is still configured; a worker bootstraps it again. */
    configured: z.boolean(),
  }),
  output: z.void(),
  run: ({ deps, tickets }, { account, configured }) =>
    forgetAccount({ ...deps, dropTickets: tickets?.drop }, account, { configured }),
})
