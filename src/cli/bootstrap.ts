import { defineCommand } from './command.ts'
import { makeRequest, waitOptions } from './make-request.ts'
import { jsonOutput, oneAccount } from './options.ts'

export const bootstrap = defineCommand({
  name: 'bootstrap',
  summary: 'request the bootstrap of a new account: first login, then its first syncs in order',
  arguments: {},
  options: { account: oneAccount, ...waitOptions, json: jsonOutput },
  run({ account, ...how }, context) {
    return makeRequest(
      context,
      { job: 'bootstrap-account', account, payload: undefined, trigger: 'bootstrap', caller: 'cli' },
      how,
    )
  },
})
