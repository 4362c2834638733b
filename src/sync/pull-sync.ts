import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { z } from 'zod'
import type { ScheduleRule } from '../account.ts'
import type { Session } from '../gate/session.ts'
import { loadRoleSchema, readSelection, type SelectedColumn, type Selection } from '../hasura/role-schema.ts'
import { cursorKindOf, isGraphQLNumber } from '../hasura/scalars.ts'
import { defineJob, type JobContext, type JobDefinition, type JobResult } from '../jobs/define-job.ts'
import { type Checkpoint, checkpointFingerprint, findCheckpoint, saveCheckpoint } from './checkpoint.ts'
import { ensureMirrorTable, type MirrorTable } from './mirror-table.ts'
import { readPages } from './read-pages.ts'
import { from, lowerBound, type ScanOrder } from './scan.ts'
import { writePage } from './write-page.ts'

/** The row type of the one list that a query selects. */
export type RowOf<R> = R[keyof R] extends readonly (infer Row)[] ? Row : never

/** The row's fields that can be null never order a scan: their rows would be skipped. */
export type NeverNull<Row> = {
  [F in keyof Row & string]-?: null extends Row[F] ? never : undefined extends Row[F] ? never : F
}[keyof Row & string]

export interface PullOptions<R, V> {
  readonly name: string
  /** Selects one list of rows, with the variables `where`, `order_by` and `limit`. */
  readonly document: TypedDocumentNode<R, V> &
    (V extends { where: unknown; order_by: unknown; limit: number } ? unknown : never)
  readonly role: string
  /** The columns that tell a row from all others. */
  readonly key: NeverNull<RowOf<R>> | readonly NeverNull<RowOf<R>>[]
  /** Grows whenever a row changes, such as `updated_at`. */
  readonly cursor: NeverNull<RowOf<R>>
  /** The table of schema `mirror` that the rows go to. */
  readonly into: string
  readonly schedule?: ScheduleRule
  /** Rows asked for at once; 1,000 by default. A role's own row limit may be lower. */
  readonly pageSize?: number
  /**
   * How far a scan reaches back behind the last one: for a cursor of instants in seconds (default 300), longer than the API's
   * longest transaction; for a cursor of numbers in units (default 0).
   */
  readonly lookback?: number
}

/** A job that keeps a mirror table equal to what a role sees of a remote table. */
export function pullSync<R, V>(options: PullOptions<R, V>): JobDefinition {
  return defineJob({
    name: options.name,
    requirement: { role: options.role },
    payload: z.strictObject({}),
    ...(options.schedule && { schedule: options.schedule }),
    operations: [options.document],
    into: options.into,
    run: (session, context) => pull(options, session, context),
  })
}

async function pull<R, V>(
  options: PullOptions<R, V>,
  session: Session,
  context: JobContext<unknown>,
): Promise<JobResult> {
  const { store, signal, clock } = context
  const account = session.account.name
  const selection = readSelection(options.document, await loadRoleSchema(context.schemaFolder, options.role))
  const order: ScanOrder = {
    cursor: options.cursor,
    key: [options.key].flat(),
    sentAsNumbers: new Set(selection.columns.filter(isSentAsNumber).map(column => column.name)),
  }
  const table: MirrorTable = { name: options.into, columns: selection.columns, key: order.key }
  const cursorType = columnType(selection, order.cursor)
  const kind = cursorKindOf(cursorType)
  const key = {
    account,
    job: options.name,
    fingerprint: checkpointFingerprint(options.document, {
      ...order,
      role: options.role,
      into: options.into,
      where: {},
    }),
  }

  const found = await findCheckpoint(store, key)
  // A full read starts anew and keeps only the greatest cursor, which never decreases.
  const before: Checkpoint | undefined = found && context.full ? { ...empty, high: found.high } : found
  await context.transaction(tx => ensureMirrorTable(tx, table))

  const bound = lowerBound(before, kind, options.lookback ?? (kind === 'instant' ? 300 : 0))
  const query = {
    hasura: session.hasura,
    // Its variables were checked where the job was defined; here only their three names matter.
    document: options.document as TypedDocumentNode<unknown, Record<string, unknown>>,
    rootField: selection.rootField,
    order,
    pageSize: options.pageSize ?? 1_000,
  }
  const start = { position: before?.position, bound: bound === undefined ? undefined : from(order, bound) }

  const counts = { read: 0, inserted: 0, updated: 0, unchanged: 0, pages: 0 }
  let { high, scanStartedAt } = before ?? empty
  for await (const page of readPages(query, start, signal)) {
    scanStartedAt ??= new Date(page.serverDate ?? clock.now()).toISOString()
    high = page.next.cursor
    const checkpoint = { high, position: page.next, scanStartedAt, scannedAt: before?.scannedAt }
    const written = await context.transaction(async tx => {
      const rows = await writePage(tx, table, account, selection.rootField, page.body)
      await saveCheckpoint(tx, key, checkpoint, cursorType)
      return rows
    })
    counts.pages += 1
    counts.read += page.rows
    counts.inserted += written.inserted
    counts.updated += written.updated
    counts.unchanged += page.rows - written.inserted - written.updated
    context.progress({ done: counts.read })
    signal.throwIfAborted()
  }
  const done = { high, position: undefined, scanStartedAt: undefined, scannedAt: scanStartedAt ?? before?.scannedAt }
  await context.transaction(tx => saveCheckpoint(tx, key, done, cursorType))
  return { from: before?.position?.cursor ?? bound, to: high, counts }
}

const empty: Checkpoint = { high: undefined, position: undefined, scanStartedAt: undefined, scannedAt: undefined }

function isSentAsNumber({ scalar }: SelectedColumn): boolean {
  return scalar !== undefined && isGraphQLNumber(scalar)
}

function columnType(selection: Selection, name: string): string {
  const column = selection.columns.find(candidate => candidate.name === name)
  if (!column) throw new TypeError(`${name} is not selected`)
  return column.type
}
