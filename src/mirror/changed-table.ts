/**
 * A mirror table whose changes can be read: `mirror` of a pull, or the result of `mirrorRows`.
 *
 * @example
 * import type { ChangedTable } from 'hasura-sync-worker'
 * import { syncUsers } from './sync-users.ts'
 *
 * export const users: ChangedTable<'id'> = syncUsers.mirror
 */
export interface ChangedTable<K extends string = string, Row = unknown> {
  readonly into: string
  readonly key: readonly K[]
  /** Never set: it carries the type of the rows. */
  readonly row?: Row
}
