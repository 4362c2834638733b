import { defineCommand } from './command.ts'
import { argument, flag } from './options.ts'

/** What no statement of ours can reach. */
const remains = `What remains of it outside the worker's tables: backups of the database and of DATA_DIR, collected logs, copies, views
and tables that others made of the mirror, its secret file, and its client and user at the identity provider.
`

export const forget = defineCommand({
  name: 'forget',
  summary:
    'deletes everything that is stored of an account: mirrored rows, checkpoints, requests, runs, holds, tickets',
  arguments: { account: argument('the account, which has to be out of the configuration') },
  options: { configured: flag('forgets it although it is still configured: a worker starts it anew') },
  async run({ account, configured }, { terminal, withOperations }) {
    await withOperations(operations => operations.forget({ account, configured }), 'nothing')
    terminal.out(`Account "${account}" is forgotten.\n${remains}`)
    return 0
  },
})
