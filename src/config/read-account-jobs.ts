import { z } from 'zod'
import type { Account } from '../account.ts'
import type { Told } from '../explanation.ts'

const missed = z
  .enum(['run-once', 'skip'])
  .exactOptional()
  .describe('Ticks missed without a worker: one run makes up for them, or none. Default: run-once.')

const schedule = z.union(
  [
    z.null().describe('The job runs on demand only.'),
    z.strictObject({ everySeconds: z.number('must be a number').min(1, 'must be 1 or more'), missed }),
    z
      .strictObject({
        cron: z.string().describe('Five fields, or six with seconds.'),
        zone: z.string().optional().describe('An IANA name such as Europe/Zurich. Default: UTC.'),
        missed,
      })
      .transform(({ cron, zone, missed }) => ({
        cron,
        ...(zone !== undefined && { zone }),
        ...(missed && { missed }),
      })),
  ],
  'must be {everySeconds: 1 or more}, {cron: …, zone: …} or null; a rule may have missed: run-once or skip',
)

/** The settings of an account in an accounts file besides its login and endpoints. */
export const accountJobsSchema = z.object({
  jobs: z
    .array(z.string('must be the name of a job'), 'must be a list of job names')
    .optional()
    .describe('The jobs that run for the account. Default: all that its endpoints allow.'),
  callers: z
    .array(
      z
        .string('must be a client, or a client and a subject')
        .regex(
          /^(?=.)[\w.~!*'()%-]*(\/[\w.~!*'()%-]*)?$/,
          'must be a client, or a client, a slash and a subject, both percent-encoded',
        ),
      'must be a list of clients',
    )
    .optional()
    .describe(
      'Who may use the account over HTTP: the client of a token (azp), or client/subject. A caller that is named by any account may use only the accounts that name it. Default: every caller that no account names.',
    ),
  schedules: z
    .record(z.string(), schedule, 'must be rules by job name')
    .optional()
    .describe('Schedules that override those of the jobs, by job name.'),
  settings: z
    .record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean()], 'must be a text, a number, true or false').transform(String),
      'must be values by setting name',
    )
    .optional()
    .describe(
      'Settings of jobs, by the names in their schemas; they take precedence over the environment. A name with the suffix File, such as searchTokenFile, is the file that holds the value.',
    ),
  limits: z
    .strictObject(
      {
        concurrentRuns: z
          .int('must be a whole number')
          .min(1, 'must be 1 or more')
          .max(100, 'must be 100 or less')
          .optional()
          .describe('Concurrent runs over all processes. Default: 4.'),
        concurrentRequests: z
          .int('must be a whole number')
          .min(1, 'must be 1 or more')
          .max(100, 'must be 100 or less')
          .optional()
          .describe('Concurrent requests to Hasura per process, over all runs of the account. Default: 8.'),
      },
      { error: 'must be an object with concurrentRuns and concurrentRequests, or one of them' },
    )
    .transform(({ concurrentRuns, concurrentRequests }) => ({
      ...(concurrentRuns !== undefined && { concurrentRuns }),
      ...(concurrentRequests !== undefined && { concurrentRequests }),
    }))
    .optional(),
})

/**
 * @param label name of the account in problems
 * @param problems gets every problem, with its path
 */
export function readAccountJobs(
  settings: Readonly<Record<string, unknown>>,
  label: string,
  problems: Told[],
): Pick<Account, 'jobs' | 'callers' | 'schedules' | 'settings' | 'limits'> {
  const parsed = accountJobsSchema.safeParse(settings)
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) problems.push(`${label}.${path.join('.')}: ${message}`)
    return {}
  }
  const { jobs, callers, schedules, settings: own, limits } = parsed.data
  return {
    ...(jobs && { jobs }),
    ...(callers && { callers }),
    ...(schedules && { schedules }),
    ...(own && { settings: own }),
    ...(limits && { limits }),
  }
}
