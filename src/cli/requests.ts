import type { RequestSummary } from '../operations/request-reports.ts'
import { describeSeconds } from '../time/duration.ts'
import { defineCommand } from './command.ts'
import { list } from './list.ts'
import { choiceOption, jsonOutput, limitOption, textOption } from './options.ts'

export const requests = defineCommand({
  name: 'requests',
  summary: 'list requests, latest first, and why waiting ones do not run',
  arguments: {},
  options: {
    state: choiceOption('STATE', 'show only requests in this state', [
      'waiting',
      'running',
      'done',
      'failed',
      'cancelled',
    ]),
    job: textOption('JOB', 'show only requests of this job'),
    account: textOption('NAME', 'show only requests of this account'),
    limit: limitOption,
    json: jsonOutput,
  },
  run: ({ state, job, account, limit, json }, context) =>
    list(context, json, {
      find: operations => operations.listRequests({ state, job, account, limit }),
      row: report => rowOf(report, context.host.clock.now()),
      none: 'no requests',
    }),
})

/** The columns of a request for a person. */
export function rowOf(request: RequestSummary, now: number): Readonly<Record<string, unknown>> {
  const { id, job, account, state, trigger, priority, requestedAt, waitsFor, failedReason } = request
  return {
    request: id,
    job,
    account,
    state,
    trigger,
    priority,
    age: describeSeconds((now - Date.parse(requestedAt)) / 1000),
    what: waitsFor === undefined ? (failedReason ?? '') : `waits for ${waitsFor}`,
  }
}
