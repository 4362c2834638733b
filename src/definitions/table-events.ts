import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { ListNameOf } from '../hasura/row-of.ts'

/** What an event trigger of Hasura's tells of a row. */
export const tableOperations = ['INSERT', 'UPDATE', 'DELETE'] as const
export type TableOperation = (typeof tableOperations)[number]

/** A table of the database behind Hasura. */
export interface SourceTable {
  readonly schema: string
  readonly name: string
}

/** The changes that concern a job: Hasura's event triggers ask for a run of it. */
export interface TableEvents {
  readonly table: SourceTable
  /** Default all. */
  readonly operations?: readonly TableOperation[] | undefined
}

/** The same where it is written, beside a document that reads the table. */
export interface TableEventOptions<R> {
  /** The list that the document reads, as a table of schema `public`; or a table by its two names. */
  readonly table: ListNameOf<R> | SourceTable
  /** Default all. */
  readonly operations?: readonly TableOperation[] | undefined
}

/**
 * One change. Numbers that JavaScript would write in another way are raw JSON (`JSON.isRawJSON`).
 *
 * @example
 * import type { TableEvent } from 'hasura-sync-worker'
 *
 * export const isGone = ({ operation }: TableEvent): boolean => operation === 'DELETE'
 */
export interface TableEvent {
  /** `MANUAL` where somebody invoked the trigger by hand. */
  readonly operation: TableOperation | 'MANUAL'
  readonly old: EventRow | undefined
  readonly new: EventRow | undefined
}

export type EventRow = Readonly<Record<string, unknown>>

/**
 * The changes of the table that a document reads. The compiler refuses the name of a table that the document doesn't read.
 *
 * @example
 * import { defineJob, tableEvents } from 'hasura-sync-worker'
 * import { z } from 'zod'
 * import { PullUsersDocument } from '../generated/graphql.ts'
 *
 * export const countUsers = defineJob({
 *   name: 'count-users',
 *   payload: z.strictObject({}),
 *   on: tableEvents(PullUsersDocument, { table: 'users', operations: ['INSERT', 'DELETE'] }),
 *   run: async () => ({}),
 * })
 */
export function tableEvents<R>(
  _document: TypedDocumentNode<R, never> | TypedDocumentNode<R>,
  { table, operations }: TableEventOptions<R>,
): TableEvents {
  return { table: typeof table === 'string' ? { schema: 'public', name: table } : (table as SourceTable), operations }
}

export function concerns(
  { table, operations }: TableEvents,
  changed: SourceTable,
  operation: TableEvent['operation'],
): boolean {
  if (table.schema !== changed.schema || table.name !== changed.name) return false
  return operation === 'MANUAL' || !operations || operations.includes(operation)
}
