import type { Command } from './command.ts'

export const forget: Command = {
  usage: 'forget <account>',
  summary: 'forgets everything about an account: its mirrored rows, checkpoints, runs and first login',
  words: [1, 1],
  options: {},
  async run(context) {
    const account = context.words[0] ?? ''
    await context.withOperations(operations => operations.forget(account))
    context.terminal.out(`Account "${account}" is forgotten.\n`)
    return 0
  },
}
