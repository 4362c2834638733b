import type { Command } from './command.ts'

export const migrate: Command = {
  usage: 'migrate',
  summary: "applies the store's migrations (also done at start)",
  words: [0, 0],
  options: {},
  async run(context) {
    // Opening the store is what migrates it, here or in the process that owns it.
    await context.withOperations(operations => operations.ping())
    context.terminal.out('The store is up to date.\n')
    return 0
  },
}
