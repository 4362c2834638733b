import { z } from 'zod'
import type { Account } from '../account.ts'

const schedule = z.union([
  z.null(),
  z.strictObject({ everySeconds: z.number().min(1) }),
  z
    .strictObject({ cron: z.string(), zone: z.string().optional() })
    .transform(({ cron, zone }) => (zone === undefined ? { cron } : { cron, zone })),
])

/** What an accounts file may say of an account beside its login and endpoints. */
export const accountJobsSchema = z.object({
  jobs: z.array(z.string()).optional(),
  schedules: z.record(z.string(), schedule).optional(),
  limits: z
    .strictObject({ concurrentRuns: z.int().min(1).max(100).optional() })
    .transform(({ concurrentRuns }) => (concurrentRuns === undefined ? {} : { concurrentRuns }))
    .optional(),
})

export const accountJobsKeys: readonly string[] = Object.keys(accountJobsSchema.shape)

/**
 * @param label how problems call the account
 * @param problems gets every problem, by its path
 */
export function readAccountJobs(
  settings: Readonly<Record<string, unknown>>,
  label: string,
  problems: string[],
): Pick<Account, 'jobs' | 'schedules' | 'limits'> {
  const parsed = accountJobsSchema.safeParse(settings)
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) problems.push(`${label}.${path.join('.')}: ${message}.`)
    return {}
  }
  const { jobs, schedules, limits } = parsed.data
  return { ...(jobs && { jobs }), ...(schedules && { schedules }), ...(limits && { limits }) }
}
