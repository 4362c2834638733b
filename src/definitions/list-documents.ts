import { type DocumentNode, print } from 'graphql'
import type { FirstLoginDefinition } from '../gate/first-login.ts'
import { findDocumentRoot } from '../hasura/document-root.ts'
import { loadRoleSchema } from '../hasura/role-schema.ts'
import { roleOf } from './contract.ts'
import type { JobDefinition } from './define-job.ts'

/** One operation as it is sent, for Hasura's allow list: that compares all but spaces. */
export interface SentDocument {
  readonly name: string
  readonly query: string
  /** The jobs that send it; `first login` for what is sent before any of them. */
  readonly senders: readonly string[]
}

/**
 * Every operation that the worker sends unattended, with those that it derives from a pull's document, in the order of the
 * jobs. Introspection, which a person asks for, isn't among them.
 *
 * @param schemaFolder where the SDL of each role is: what can be derived depends on what the role may ask
 * @throws ConfigError when a role's SDL can't be read or doesn't fit a job
 */
export async function listDocuments(
  jobs: readonly JobDefinition[],
  firstLogin: FirstLoginDefinition | undefined,
  schemaFolder: URL,
): Promise<readonly SentDocument[]> {
  const sent = [firstLogin?.refreshUsers ?? [], firstLogin?.operations ?? []].flat().map(document => ({
    sender: 'first login',
    document,
  }))
  for (const job of jobs) {
    const { operations = [], findDerivedOperations } = job
    const role = roleOf(job)
    const derived =
      role !== undefined && findDerivedOperations ? findDerivedOperations(await loadRoleSchema(schemaFolder, role)) : []
    sent.push(...[...operations, ...derived].map(document => ({ sender: job.name, document })))
  }
  const bySent = Map.groupBy(sent, ({ document }) => print(document))
  return [...bySent].map(([query, same]) => ({
    name: nameOf(same[0]?.document),
    query,
    senders: [...new Set(same.map(({ sender }) => sender))],
  }))
}

function nameOf(document: DocumentNode | undefined): string {
  return (document && findDocumentRoot(document)?.name?.value) ?? ''
}
