import { runStates } from '../states.ts'
import { defineCommand } from './command.ts'
import { list } from './list.ts'
import { choiceOption, jsonOutput, limitOption, textOption } from './options.ts'

export const jobs = defineCommand({
  name: 'jobs',
  summary: 'list jobs with their state, requirements, schedules and last run',
  arguments: {},
  options: { account: textOption('NAME', 'state, next tick and last run of this account only'), json: jsonOutput },
  run: ({ account, json }, context) =>
    list(context, json, {
      find: operations => operations.listJobs({ account }),
      row: ({ name, state, requirement, schedule, nextDueAt, lastRun, into, problem }) => ({
        job: name,
        state,
        requirement,
        schedule,
        'next due': nextDueAt,
        'last run': lastRun && `${lastRun.state}, ${lastRun.startedAt}`,
        into,
        problem,
      }),
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

export const runs = defineCommand({
  name: 'runs',
  summary: 'list runs, latest first',
  arguments: {},
  options: {
    state: choiceOption('STATE', 'show only runs in this state', runStates),
    job: textOption('JOB', 'show only runs of this job'),
    account: textOption('NAME', 'show only runs of this account'),
    limit: limitOption,
    json: jsonOutput,
  },
  run: ({ json, ...filter }, context) =>
    list(context, json, {
      find: operations => operations.listRuns(filter),
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
