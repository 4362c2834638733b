import { defineCommand } from './command.ts'
import { argument, flag } from './options.ts'

/** What no SQL statement of the worker can reach. */
const remains = `Not deleted, because it lies outside the worker's tables: backups of the database and of DATA_DIR, collected logs, copies,
views and tables made from the mirror, the account's secret file, and its client and user at the identity provider.
`

export const forget = defineCommand({
  name: 'forget',
  summary: 'delete everything stored about an account: mirrored rows, checkpoints, requests, runs, holds, tickets',
  arguments: { account: argument('account, already removed from the configuration') },
  options: { configured: flag('forget an account that is still configured; a worker bootstraps it again') },
  async run({ account, configured }, { terminal, withOperations }) {
    await withOperations(operations => operations.forget({ account, configured }), 'nothing')
    terminal.out(`Account "${account}" is forgotten.\n${remains}`)
    return 0
  },
})
