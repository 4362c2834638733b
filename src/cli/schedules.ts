import type { ScheduleReport } from '../operations/schedules.ts'
import { type CommandContext, defineCommand } from './command.ts'
import { list } from './list.ts'
import { argument, jsonOutput, oneAccount } from './options.ts'

export const schedules = defineCommand({
  name: 'schedules',
  summary: 'list schedules, when each is next due and how many ticks were missed',
  arguments: {},
  options: { json: jsonOutput },
  run: ({ json }, context) =>
    list(context, json, {
      find: operations => operations.listSchedules(),
      row: report => ({
        job: report.job,
        account: report.account,
        rule: report.rule,
        'next due': describeNext(report),
        'last tick': report.lastRunAt,
        missed: report.lastMissedAt === null ? report.missed : `${report.missed}, the last at ${report.lastMissedAt}`,
      }),
      none: 'no schedules',
    }),
})

const pausing = {
  arguments: { job: argument('job, as listed by "schedules"') },
  options: { account: oneAccount, json: jsonOutput },
}

export const schedulesPause = defineCommand({
  ...pausing,
  name: 'schedules pause',
  summary: 'stop making requests by this schedule until it is resumed; waiting requests still run',
  run: (given, context) => setPaused(context, given, true),
})

export const schedulesResume = defineCommand({
  ...pausing,
  name: 'schedules resume',
  summary: 'resume this schedule; ticks missed during the pause are skipped',
  run: (given, context) => setPaused(context, given, false),
})

async function setPaused(
  { terminal, withOperations }: CommandContext,
  { job, account, json }: { readonly job: string; readonly account?: string | undefined; readonly json: boolean },
  paused: boolean,
): Promise<number> {
  const report = await withOperations(operations => operations.pauseSchedule({ job, account, paused }), 'nothing')
  const how = report.paused ? 'is paused' : `is next due at ${report.nextDueAt}`
  const sentence = `The schedule of ${report.job} for account "${report.account}" ${how}.`
  terminal.out(`${json ? JSON.stringify(report) : sentence}\n`)
  return 0
}

function describeNext({ paused, nextDueAt }: ScheduleReport): string {
  return paused ? 'paused' : (nextDueAt ?? 'when a worker starts')
}
