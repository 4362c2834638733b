import { UsageError } from '../errors.ts'
import { type Command, textOption } from './command.ts'

export const reset: Command = {
  usage: 'reset <job> [--account A]',
  summary: 'forgets a checkpoint: the next run reads everything',
  words: [1, 1],
  options: { account: { type: 'string' } },
  async run(context) {
    const job = context.words[0] ?? ''
    const [only, ...others] = context.config.accounts
    const account = textOption(context, 'account') ?? (others.length === 0 ? only?.name : undefined)
    if (account === undefined) throw new UsageError('There are several accounts: name one with --account.')
    await context.withOperations(operations => operations.reset(job, account))
    context.terminal.out(`${job} of account "${account}" starts anew with its next run.\n`)
    return 0
  },
}
