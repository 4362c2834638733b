import type { Operations } from '../operations/registry.ts'
import type { CommandContext } from './command.ts'
import { table } from './table.ts'

/** A list has everything as JSON, and on a terminal what a person looks for. */
export async function list<Report>(
  { terminal, withOperations }: CommandContext,
  json: boolean,
  {
    find,
    row,
    none,
    needs = 'nothing',
  }: {
    find(operations: Operations): Promise<readonly Report[]>
    row(report: Report): Readonly<Record<string, unknown>>
    readonly none: string
    /** Default: nothing, so that it can be told whatever is wrong with the jobs. */
    readonly needs?: 'jobs' | 'nothing'
  },
): Promise<number> {
  const reports = await withOperations(find, needs)
  terminal.out(json ? `${JSON.stringify(reports)}\n` : table(reports.map(row), none))
  return 0
}
