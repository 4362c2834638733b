import { type DocumentNode, Kind, type OperationDefinitionNode } from 'graphql'

/** The document's first operation; every valid document of a job holds exactly one. */
export function findDocumentRoot(document: DocumentNode): OperationDefinitionNode | undefined {
  return document.definitions.find(definition => definition.kind === Kind.OPERATION_DEFINITION)
}
