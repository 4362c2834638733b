import { type DocumentNode, type FieldNode, print } from 'graphql'
import { z } from 'zod'
import { findDocumentRoot } from '../hasura/document-root.ts'
import { findPath } from '../hasura/find-list.ts'

/** What a checkpoint depends on, stored with its fingerprint so that a change can be named. */
export interface PullDefinition {
  /** The name of the query. */
  readonly query: string
  /** Its root field with arguments. */
  readonly list: string
  /** A fingerprint of all that it reads by, whatever the order in which that is written. Absent in old checkpoints. */
  readonly reads?: string | undefined
  readonly role: string
  readonly key: readonly string[]
  readonly cursor?: string | undefined
  readonly table: string
  /** A fingerprint, because a filter's values may be row data. */
  readonly filter: string
}

export const pullDefinitionSchema: z.ZodType<PullDefinition> = z.object({
  query: z.string(),
  list: z.string(),
  reads: z.string().optional(),
  role: z.string(),
  key: z.array(z.string()),
  cursor: z.string().optional(),
  table: z.string(),
  filter: z.string(),
})

/** The parts that a document determines. */
export function describeDocument(document: DocumentNode): Pick<PullDefinition, 'query' | 'list'> {
  const list = (findPath(document) ?? []).map(field => print(withoutColumns(field))).join('.')
  return { query: findDocumentRoot(document)?.name?.value ?? '', list }
}

function withoutColumns({ kind, name, alias, arguments: given }: FieldNode): FieldNode {
  return { kind, name, ...(alias && { alias }), ...(given && { arguments: given }) }
}

/** What has changed, and the old values, without those of a filter; empty if that is only the order in which the document is written. */
export function describeChanges(before: PullDefinition, now: PullDefinition): readonly string[] {
  const isReordered = before.reads !== undefined && before.reads === now.reads
  const changes = [
    ...(isReordered ? [] : nameChange('query', before.query, now.query)),
    ...(isReordered ? [] : nameChange('list', before.list, now.list)),
    ...nameChange('role', quote(before.role), quote(now.role)),
    ...nameChange('key', quote(...before.key), quote(...now.key)),
    ...nameChange('cursor', cursorOf(before), cursorOf(now)),
    ...nameChange('table', `mirror.${before.table}`, `mirror.${now.table}`),
    ...(before.filter === now.filter ? [] : ['another filter']),
  ]
  // The field that an alias stands for.
  return changes.length > 0 || isReordered ? changes : ['another document']
}

function nameChange(what: string, before: string, now: string): string[] {
  return before === now ? [] : [`${what} ${before} (now ${now})`]
}

function cursorOf({ cursor }: PullDefinition): string {
  return cursor === undefined ? 'none' : quote(cursor)
}

function quote(...names: readonly string[]): string {
  return names.map(name => `"${name}"`).join(', ')
}
