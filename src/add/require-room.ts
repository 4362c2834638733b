import { parse } from 'graphql'
import { UsageError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { readSelection } from '../hasura/read-selection.ts'
import type { RoleSchema } from '../hasura/role-schema.ts'
import { findRowRisk, findTableProblems } from '../mirror/table-limits.ts'
import type { Key } from './choose-key.ts'

/**
 * @returns a limit that some rows may exceed, if any
 * @throws UsageError when a mirror table can't hold the columns
 */
export function requireRoom(operation: string, schema: RoleSchema, key: Pick<Key, 'columns'>): Explanation | undefined {
  const { columns } = readSelection(parse(operation), schema)
  const names = key.columns.map(({ mirrorName }) => mirrorName)
  const [problem] = findTableProblems(columns, names)
  if (!problem) return findRowRisk(columns)
  throw new UsageError({
    found: problem.found,
    remedy:
      'let the role see fewer columns in Hasura, or write the operation and the job yourself (docs/writing-a-job.md)',
  })
}
