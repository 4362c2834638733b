import { defineCommand } from './command.ts'
import { argument, jsonOutput, limitOption, textOption } from './options.ts'
import { table } from './table.ts'

export const changes = defineCommand({
  name: 'changes',
  summary: 'list changes of a mirror table after a position: keys only, the latest change of each row',
  arguments: { table: argument('table in schema "mirror"') },
  options: {
    account: textOption('NAME', 'only changes of this account'),
    after: textOption('POSITION', 'only changes after this position; default: all'),
    limit: limitOption,
    json: jsonOutput,
  },
  async run({ json, ...wanted }, { terminal, withOperations }) {
    const report = await withOperations(operations => operations.listChanges(wanted), 'nothing')
    if (json) {
      terminal.out(`${JSON.stringify(report)}\n`)
      return 0
    }
    terminal.out(table(report.changes, 'no changes'))
    if (report.changes.length === wanted.limit)
      terminal.err(`There may be more changes: give --after ${report.position}\n`)
    return 0
  },
})
