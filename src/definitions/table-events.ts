import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { ListNameOf } from '../hasura/row-of.ts'
import { inSnakeCase } from '../names/in-snake-case.ts'

/** How a row changed, in a Hasura event trigger. */
export const tableOperations = ['INSERT', 'UPDATE', 'DELETE'] as const
export type TableOperation = (typeof tableOperations)[number]

/** A table of Hasura's database. */
export interface SourceTable {
  readonly schema: string
  readonly name: string
}

/** The changes that a job reacts to: Hasura's event triggers request a run of it. */
export interface TableEvents {
  readonly table: SourceTable
  /** Default: all. */
  readonly operations?: readonly TableOperation[] | undefined
}

/** The same as written in a job, beside a document that reads the table. */
export interface TableEventOptions<R> {
  /** The list that the document reads, for a table in schema `public`, or a table's schema and name. */
  readonly table: ListNameOf<R> | SourceTable
  /** Default: all. */
  readonly operations?: readonly TableOperation[] | undefined
}

/**
 * One change. Numbers that JavaScript would write differently are raw JSON (`JSON.isRawJSON`).
 *
 * @example
 * import type { TableEvent } from 'hasura-sync-worker'
 *
 * export const isGone = ({ operation }: TableEvent): boolean => operation === 'DELETE'
 */
export interface TableEvent {
  /** `MANUAL` if someone invoked the trigger manually. */
  readonly operation: TableOperation | 'MANUAL'
  readonly old: EventRow | undefined
  readonly new: EventRow | undefined
}

export type EventRow = Readonly<Record<string, unknown>>

/**
 * The changes of a table that a document reads. It is a compile error if the document doesn't read the table.
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
  const isNamed = [table.name, inSnakeCase(table.name)].includes(changed.name)
  if (table.schema !== changed.schema || !isNamed) return false
  return operation === 'MANUAL' || !operations || operations.includes(operation)
}
