import { type Command, textOption } from './command.ts'
import { makeRequest } from './make-request.ts'

export const bootstrap: Command = {
  usage: 'bootstrap [--account A] [--wait] [--json]',
  summary: 'requests the bootstrap of a new account: first login, then its first syncs in order',
  words: [0, 0],
  options: { account: { type: 'string' }, wait: { type: 'boolean' }, json: { type: 'boolean' } },
  run(context) {
    return makeRequest(context, {
      job: 'bootstrap-account',
      account: textOption(context, 'account'),
      payload: undefined,
      trigger: 'bootstrap',
    })
  },
}
