import { type DocumentNode, Kind } from 'graphql'

export type DocumentKind = 'query' | 'mutation'

/**
 * @throws TypeError unless the document holds exactly one operation of that kind: a mutation sent as a query would be retried
 */
export function requireDocument(document: DocumentNode, kind: DocumentKind): void {
  const operations = document.definitions.filter(definition => definition.kind === Kind.OPERATION_DEFINITION)
  const [operation] = operations
  if (!operation || operations.length > 1) {
    throw new TypeError(`A document must hold one operation, this one holds ${operations.length}`)
  }
  if (operation.operation !== kind) {
    const name = operation.name?.value ?? 'without a name'
    throw new TypeError(`The operation ${name} is a ${operation.operation} and can't be sent as a ${kind}`)
  }
}
