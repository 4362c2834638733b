import { parseKeepingDigits } from '../json/exact-numbers.ts'
import type { MirrorRowsReport } from '../operations/rows.ts'
import { listed } from '../operations/values.ts'
import { defineCommand } from './command.ts'
import { argument, jsonOutput, limitOption, textOption } from './options.ts'
import { table } from './table.ts'

export const rows = defineCommand({
  name: 'rows',
  summary: 'list rows of a mirror table, in the order of its key',
  arguments: { table: argument('mirror table, as named by `into` of its job and listed by "jobs"') },
  options: {
    account: textOption('NAME', 'show only rows of this account'),
    limit: limitOption,
    json: jsonOutput,
  },
  async run({ table: name, account, limit, json }, { terminal, withOperations }) {
    const wanted = { table: name, account, limit }
    const report = await withOperations(operations => operations.listMirrorRows(wanted), 'nothing')
    // The database's own JSON: parsing it here would lose digits.
    terminal.out(json ? `[${report.rows.join(',\n')}]\n` : describe(report, terminal.columns))
    return 0
  },
})

/** Columns of the change feed, of no interest here. */
const hidden = ['_change', '_revived_at']

function describe({ table: name, rows: texts, hasMore }: MirrorRowsReport, columns: number | undefined): string {
  const parsed = texts.map(text => Object.entries(Object(parseKeepingDigits(text))))
  const accounts = new Set(parsed.map(row => row.find(([column]) => column === '_account')?.[1]))
  const left = accounts.size > 1 ? hidden : [...hidden, '_account']
  const shown = parsed.map(row => Object.fromEntries(row.filter(([column]) => !left.includes(column)).map(showJson)))
  const deleted = parsed.filter(row => row.some(([column, value]) => column === '_deleted_at' && value !== null)).length
  const remarks = [
    ...(deleted > 0 ? [`${deleted} of these ${texts.length} rows are deleted in the source (see _deleted_at).`] : []),
    ...(hasMore ? [`There are more rows: raise --limit, up to ${listed.most}.`] : []),
  ]
  return `${table(shown, `no rows in mirror.${name}`, columns)}${remarks.map(remark => `${remark}\n`).join('')}`
}

function showJson([column, value]: [string, unknown]): [string, unknown] {
  return [column, value === null || typeof value === 'string' ? value : JSON.stringify(value)]
}
