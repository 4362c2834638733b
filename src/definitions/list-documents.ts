import { type DocumentNode, print } from 'graphql'
import type { FirstLoginDefinition } from '../gate/first-login.ts'
import { findDocumentRoot } from '../hasura/document-root.ts'
import { loadRoleSchema } from '../hasura/role-schema.ts'
import { roleOf } from './contract.ts'
import type { JobDefinition } from './define-job.ts'

/** An operation exactly as it is sent: Hasura's allow list ignores only white space. */
export interface SentDocument {
  readonly name: string
  readonly query: string
  /** The jobs that send it; `first login` for what is sent before any job. */
  readonly senders: readonly string[]
}

/**
 * Every operation that the worker sends unattended, including those derived from a pull's document, in the order of the jobs.
 * Introspection isn't included, because only commands of a person send it.
 *
 * @param schemaFolder contains the SDL of each role, which decides what can be derived
 * @throws ConfigError if a role's SDL can't be read or doesn't fit a job
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
