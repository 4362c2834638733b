import { defineCommand } from './command.ts'

export const migrate = defineCommand({
  name: 'migrate',
  summary: "applies the store's migrations (also done at start)",
  arguments: {},
  options: {},
  async run(_values, context) {
    // Opening the store is what migrates it, here or in the process that owns it.
    await context.withOperations(operations => operations.ping())
    context.terminal.out('The store is up to date.\n')
    return 0
  },
})
