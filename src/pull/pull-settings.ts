import { z } from 'zod'
import type { ScheduleRule } from '../account.ts'
import type { UntypedDocument } from '../hasura/derive-documents.ts'
import type { SoftDelete } from '../mirror/mirror-table.ts'
import type { RowTransform } from '../mirror/transform-page.ts'
import type { LiveSettings } from './live-settings.ts'
import type { DeletionGuard } from './pull-run.ts'
import type { Where } from './remote/scan.ts'

/** The options of a pull with their defaults, and without the types of its rows. */
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
  where(account: { readonly name: string }): Where
  readonly pageSize: number
  readonly ranges: number
  readonly lookback: number | undefined
  readonly sweep: ScheduleRule | false
  readonly guard: DeletionGuard
  readonly evolution: 'read-again' | 'hold'
  /** Undefined for one that runs on schedule and on request only. */
  readonly live: LiveSettings | undefined
}

/** What a request for a pull may ask for; nothing is the usual incremental run. Another payload is another request of its line. */
export const pullPayload = z.strictObject({
  /** Read every row again and compare it. */
  full: z.boolean().optional(),
  /** Compare all keys and cursors, though it isn't time. */
  sweep: z.boolean().optional(),
  /** Read from the greatest cursor seen on, without the lookback: what the subscriptions of a live pull ask for. */
  rung: z.boolean().optional(),
  /** Mark what is gone as deleted, however much it is: compares all keys, without the deletion guard. */
  allowDeletions: z.boolean().optional(),
  /** Read the rows again whose cursors are from … and below …; the checkpoint stays where it is. */
  backfill: z.strictObject({ from: z.string().optional(), to: z.string().optional() }).optional(),
  /** Read the rows with these keys again, each a value per key column, and mark those that are gone; the checkpoint stays. */
  keys: z.array(z.array(z.string()).min(1)).min(1).max(200).optional(),
})
export type PullPayload = z.infer<typeof pullPayload>
