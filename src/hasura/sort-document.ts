import { type DocumentNode, print, visit } from 'graphql'

/** The document with fields, arguments and variables in one order, whatever order they were written in, such as by a formatter. */
export function sortDocument(document: DocumentNode): DocumentNode {
  return visit(document, {
    OperationDefinition: {
      leave: node => ({ ...node, variableDefinitions: node.variableDefinitions?.toSorted(byText) }),
    },
    SelectionSet: { leave: node => ({ ...node, selections: node.selections.toSorted(byText) }) },
    Field: { leave: node => ({ ...node, arguments: node.arguments?.toSorted(byText) }) },
    ObjectValue: { leave: node => ({ ...node, fields: node.fields.toSorted(byText) }) },
  })
}

function byText(a: Parameters<typeof print>[0], b: Parameters<typeof print>[0]): number {
  return print(a) < print(b) ? -1 : 1
}
