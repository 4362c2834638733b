import { priorities } from '../states.ts'
import { defineCommand } from './command.ts'
import { makeRequest, waitOptions } from './make-request.ts'
import { argument, choiceOption, jsonOutput, oneAccount, textOption } from './options.ts'
import { payloadOption } from './payload-flags.ts'

export const enqueue = defineCommand({
  name: 'enqueue',
  summary: 'request a run of a job by a worker',
  arguments: { job: argument('job, as listed by "jobs"') },
  options: {
    account: oneAccount,
    payload: payloadOption,
    priority: choiceOption('P', 'priority among the waiting requests of its account and job', priorities),
    idempotencyKey: textOption('KEY', 'make only one request however often the command is repeated with this key'),
    ...waitOptions,
    json: jsonOutput,
  },
  run({ job, account, payload, priority, idempotencyKey, ...how }, context) {
    const wanted = { job, account, payload, priority, idempotencyKey, trigger: 'cli', caller: 'cli' } as const
    return makeRequest(context, wanted, how)
  },
})
