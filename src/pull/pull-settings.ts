import { z } from 'zod'
import type { ScheduleRule } from '../account.ts'
import type { UntypedDocument } from '../hasura/derive-documents.ts'
import type { SoftDelete } from '../mirror/mirror-table.ts'
import type { RowTransform } from '../mirror/transform-page.ts'
import type { LiveSettings } from './live-settings.ts'
import type { DeletionGuard } from './pull-run.ts'
import type { Where } from './remote/scan.ts'

/** The options of a pull with their defaults, without the types of its rows. */
export interface PullSettings {
  readonly name: string
  readonly role: string
  readonly into: string
  readonly document: UntypedDocument
  readonly key: readonly string[]
  readonly cursor: string | undefined
  readonly softDelete: SoftDelete | undefined
  readonly flatten: ReadonlySet<string>
  readonly transform: RowTransform | undefined
  /** What the job gives as its filter, whatever that is: `spellWhere` makes a filter of it, or refuses it. */
  where(account: { readonly name: string }): unknown
  /** The filter of all accounts; undefined if it is computed per account. */
  readonly fixedWhere: Where | undefined
  readonly pageSize: number
  readonly ranges: number
  readonly lookback: number | undefined
  readonly sweep: ScheduleRule | false
  readonly guard: DeletionGuard
  readonly evolution: 'read-again' | 'hold'
  /** Undefined if it runs only by schedule and on request. */
  readonly live: LiveSettings | undefined
}

/** The payload of a pull; an empty one is the usual incremental run. Requests with different payloads don't absorb each other. */
export const pullPayload = z.strictObject({
  /** Read every row again and compare it. */
  full: z.boolean().optional(),
  /** Compare all keys and cursors, even if no sweep is due. */
  sweep: z.boolean().optional(),
  /** Read from the greatest cursor seen, without the lookback: what the subscriptions of a live pull request. */
  rung: z.boolean().optional(),
  /**
   * Mark all missing rows as deleted, however many: compares all keys, without the deletion guard. A number is the most that may
   * be marked: if more are missing, the job is held.
   */
  allowDeletions: z.union([z.boolean(), z.int().min(1)]).optional(),
  /** Read the rows again whose cursors are from … and below …; the checkpoint doesn't move. */
  backfill: z.strictObject({ from: z.string().optional(), to: z.string().optional() }).optional(),
  /**
   * Read the rows with these keys again, each with a value per key column, and mark missing ones as deleted; the checkpoint
   * doesn't move.
   */
  keys: z.array(z.array(z.string()).min(1)).min(1).max(200).optional(),
})
export type PullPayload = z.infer<typeof pullPayload>
