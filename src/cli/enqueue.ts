import type { Priority } from '../queue/request.ts'
import { type Command, textOption } from './command.ts'
import { makeRequest } from './make-request.ts'
import { parsePayload } from './payload.ts'

export const enqueue: Command = {
  usage: 'enqueue <job> [--account A] [--payload JSON] [--idempotency-key K] [--wait] [--json]',
  summary: 'makes a request for a worker to run',
  words: [1, 1],
  options: {
    account: { type: 'string' },
    payload: { type: 'string' },
    'idempotency-key': { type: 'string' },
    wait: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run(context) {
    const priority: Priority = 'normal'
    return makeRequest(context, {
      job: context.words[0] ?? '',
      account: textOption(context, 'account'),
      payload: parsePayload(textOption(context, 'payload')),
      idempotencyKey: textOption(context, 'idempotency-key'),
      priority,
      trigger: 'cli',
    })
  },
}
