import { defineCommand } from './command.ts'
import { list } from './list.ts'
import { jsonOutput, numberOption, textOption } from './options.ts'

export const jobs = defineCommand({
  name: 'jobs',
  summary: 'list jobs with their requirements and schedules',
  arguments: {},
  options: { json: jsonOutput },
  run: ({ json }, context) =>
    list(context, json, {
      find: operations => operations.listJobs(),
      row: ({ name, requirement, schedule, into, problem }) => ({ job: name, requirement, schedule, into, problem }),
      none: 'no jobs',
      needs: 'jobs',
    }),
})

export const accounts = defineCommand({
  name: 'accounts',
  summary: 'list accounts with the state of their first login',
  arguments: {},
  options: { json: jsonOutput },
  run: ({ json }, context) =>
    list(context, json, {
      find: operations => operations.listAccounts(),
      row: ({ name, endpoint, firstLogin, bootstrappedAt, note }) => ({
        account: name,
        endpoint,
        'first login': firstLogin,
        bootstrapped: bootstrappedAt,
        note,
      }),
      none: 'no accounts',
    }),
})

export const holds = defineCommand({
  name: 'holds',
  summary: 'list holds: what waits for a fix, and why',
  arguments: {},
  options: { json: jsonOutput },
  run: ({ json }, context) =>
    list(context, json, {
      find: operations => operations.listHolds(),
      row: ({ account, job, since, nextProbeAt, code, reason }) => ({
        account,
        job: job ?? 'every job',
        since,
        'next probe': nextProbeAt,
        check: code,
        reason,
      }),
      none: 'no holds',
    }),
})

export const runs = defineCommand({
  name: 'runs',
  summary: 'list runs, latest first',
  arguments: {},
  options: {
    job: textOption('JOB', 'show only runs of this job'),
    limit: numberOption('N', 'maximum number, 1 to 1000; default: 20', { min: 1, max: 1000, default: 20 }),
    json: jsonOutput,
  },
  run: ({ job, limit, json }, context) =>
    list(context, json, {
      find: operations => operations.listRuns({ job, limit }),
      row: ({ id, job: name, account, trigger, state, startedAt, finishedAt, counts, error }) => ({
        run: id,
        job: name,
        account,
        trigger,
        state,
        started: startedAt,
        took: finishedAt === null ? null : `${((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000).toFixed(1)} s`,
        what: error?.message ?? describeCounts(counts ?? {}),
      }),
      none: 'no runs',
    }),
})

function describeCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')
}
