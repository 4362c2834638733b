import type { PullJob } from '../../../src/pull/pull-sync.ts'
import type { Definition } from './history.ts'
import type { Source } from './source.ts'

const older = ['c', 'gone', 'kind', 'grp', 'sub', 'id']

/** The job as it is now, or a version of it that lacks the title. */
export function pullOf(
  { table, added }: Pick<Source, 'table' | 'added'>,
  definition: Definition,
  isOlder: boolean,
): PullJob<string> {
  const { cursor, hasCompositeKey, isFiltered, isSoft, isTransformed, isGuarded, pageSize, ranges, sweeps } = definition
  return table.pull({
    columns: isOlder ? older : [...older.toReversed(), 'title', ...added],
    key: hasCompositeKey ? ['id', 'sub'] : 'id',
    cursor: cursor && 'c',
    pageSize,
    ranges,
    sweep: sweeps && { everySeconds: 86_400 },
    deletionGuard: isGuarded ? { share: 0.3, floor: 1 } : { share: 1 },
    ...(isSoft && { softDelete: 'gone' }),
    ...(isFiltered && { where: isOlder ? filter.older : filter.newer }),
    ...(isTransformed && { transform }),
  })
}

/** The same, as a formatter may write it. */
const filter = {
  older: { _and: [{ grp: { _lt: 3, _neq: 7 } }] },
  newer: { _and: [{ grp: { _neq: 7, _lt: 3 } }] },
}

function transform(row: Record<string, string>): Record<string, string> | undefined {
  if (row.kind === 'omitted') return undefined
  return row.title === undefined ? row : { ...row, title: `${row.title}!` }
}
