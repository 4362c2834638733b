import { defineCommand } from './command.ts'
import { argument } from './options.ts'

export const forget = defineCommand({
  name: 'forget',
  summary: 'forgets everything about an account: its mirrored rows, checkpoints, runs and first login',
  arguments: { account: argument('the account; one that is no longer configured can be forgotten as well') },
  options: {},
  async run({ account }, context) {
    const { config, terminal, withOperations } = context
    await withOperations(operations => operations.forget(account))
    terminal.out(`Account "${account}" is forgotten.\n`)
    if (config.accounts.some(({ name }) => name === account)) {
      const place = config.accountsFile === undefined ? 'the environment' : 'ACCOUNTS_FILE'
      terminal.out(
        `It is still configured: a worker will log in with it and fill its rows again. To prevent that, take it out of ${place}.\n`,
      )
    }
    return 0
  },
})
