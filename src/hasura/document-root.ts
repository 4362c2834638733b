import { type DocumentNode, Kind, type OperationDefinitionNode } from 'graphql'

/** The document's first operation; each of ours holds one. */
export function findDocumentRoot(document: DocumentNode): OperationDefinitionNode | undefined {
  return document.definitions.find(definition => definition.kind === Kind.OPERATION_DEFINITION)
}
