import { byName, chooseNamed } from '../find-named.ts'
import { defineCommand } from './command.ts'
import { argument, oneAccount } from './options.ts'

export const reset = defineCommand({
  name: 'reset',
  summary: 'forgets a checkpoint: the next run reads everything',
  arguments: { job: argument('the job, as "jobs" lists it') },
  options: { account: oneAccount },
  async run({ job, account }, context) {
    const { name } = chooseNamed('account', byName(context.config.accounts), account)
    await context.withOperations(operations => operations.reset(job, name))
    context.terminal.out(`${job} of account "${name}" starts anew with its next run.\n`)
    return 0
  },
})
