import { type ASTNode, type DocumentNode, Kind, type OperationDefinitionNode, visit } from 'graphql'

/** The document's first operation; every valid document of a job holds exactly one. */
export function findDocumentRoot(document: DocumentNode): OperationDefinitionNode | undefined {
  return document.definitions.find(definition => definition.kind === Kind.OPERATION_DEFINITION)
}

/** The names of the variables in parts of a document. */
export function variablesIn(nodes: readonly ASTNode[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const node of nodes) visit(node, { Variable: ({ name }) => void names.add(name.value) })
  return names
}
