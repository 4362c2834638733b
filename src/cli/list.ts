import type { Operations } from '../operations/registry.ts'
import type { CommandContext } from './command.ts'
import { table } from './table.ts'

/** Prints reports: whole as JSON, or as a table of the columns that a person looks for. */
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
    /** Default `nothing`, so that the list works when the jobs can't be loaded. */
    readonly needs?: 'jobs' | 'nothing'
  },
): Promise<number> {
  const reports = await withOperations(find, needs)
  terminal.out(json ? `${JSON.stringify(reports)}\n` : table(reports.map(row), none))
  return 0
}
