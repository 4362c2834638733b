import { type DocumentNode, Kind } from 'graphql'
import { PermanentError } from '../errors.ts'

export type DocumentKind = 'query' | 'mutation'

/**
 * @throws PermanentError (`document`) unless the document holds exactly one operation of that kind: a mutation sent as a query would be
 *   retried
 */
export function requireDocument(document: DocumentNode, kind: DocumentKind): void {
  const operations = document.definitions.filter(definition => definition.kind === Kind.OPERATION_DEFINITION)
  const [operation] = operations
  if (!operation || operations.length > 1) {
    throw new PermanentError('document', {
      found: `A document must hold one operation, but this one holds ${operations.length}`,
      remedy: 'pass a document that codegen has generated',
    })
  }
  if (operation.operation !== kind) {
    const name = operation.name?.value ?? 'without a name'
    const own = operation.operation
    throw new PermanentError('document', {
      found: `The operation ${name} is a ${own} and can't be sent as a ${kind}`,
      remedy: own === 'subscription' ? `write it as a ${kind}` : `send it with "session.hasura.${senders[own]}"`,
    })
  }
}

const senders = { query: 'query', mutation: 'mutate' } as const
