import { defineCommand } from './command.ts'
import { argument } from './options.ts'

export const forget = defineCommand({
  name: 'forget',
  summary: 'forgets everything about an account: its mirrored rows, checkpoints, runs and first login',
  arguments: { account: argument('the account; one that is no longer configured can be forgotten as well') },
  options: {},
  async run({ account }, context) {
    await context.withOperations(operations => operations.forget(account))
    context.terminal.out(`Account "${account}" is forgotten.\n`)
    return 0
  },
})
