import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type VariableDefinitionNode,
  type VariableNode,
} from 'graphql'
import { findOperation } from './find-operation.ts'
import type { RoleSchema } from './role-schema.ts'

/** A document whose variables and rows are known by their names alone. */
export type UntypedDocument = TypedDocumentNode<unknown, Record<string, unknown>>

/** Questions about the same rows as a document's, which the role may or may not ask. */
export interface DerivedDocuments {
  /** The same rows with fewer columns. */
  readonly keys: UntypedDocument
  /** The same with variable `offset`; absent where the root field takes none. */
  readonly keyAt?: UntypedDocument
  /** `{"<countField>": {"aggregate": {"count": n}}}`; absent when the role may not aggregate. */
  readonly count?: { readonly document: UntypedDocument; readonly field: string }
}

/** @param columns as the document's rows call them */
export function deriveDocuments(
  document: DocumentNode,
  columns: readonly string[],
  { schema }: RoleSchema,
): DerivedDocuments {
  const { operation, root } = readOperation(document)
  const selections = (root.selectionSet?.selections ?? []).filter(
    selection => selection.kind === Kind.FIELD && columns.includes(selection.alias?.value ?? selection.name.value),
  )
  const fields = schema.getQueryType()?.getFields() ?? {}
  const count = findCount(fields, root)
  return {
    keys: derive(operation, 'Keys', { ...root, selectionSet: { kind: Kind.SELECTION_SET, selections } }),
    ...(fields[root.name.value]?.args.some(({ name }) => name === 'offset') && {
      keyAt: derive(
        operation,
        'KeyAt',
        {
          ...root,
          arguments: [...(root.arguments ?? []), offsetArgument],
          selectionSet: { kind: Kind.SELECTION_SET, selections },
        },
        [offsetVariable],
      ),
    }),
    ...(count && { count: { document: derive(operation, 'Count', count), field: count.name.value } }),
  }
}

function readOperation(document: DocumentNode): { operation: OperationDefinitionNode; root: FieldNode } {
  const operation = findOperation(document)
  const root = operation?.selectionSet.selections[0]
  if (!operation || root?.kind !== Kind.FIELD) throw new TypeError('a document that selects one list of rows')
  return { operation, root }
}

function derive(
  operation: OperationDefinitionNode,
  suffix: string,
  root: FieldNode,
  added: readonly VariableDefinitionNode[] = [],
): UntypedDocument {
  const used = new Set(variablesOf(root.arguments ?? []))
  const variableDefinitions = [...(operation.variableDefinitions ?? []), ...added].filter(({ variable }) =>
    used.has(variable.name.value),
  )
  const definition: OperationDefinitionNode = {
    ...operation,
    ...(operation.name && { name: { ...operation.name, value: `${operation.name.value}${suffix}` } }),
    variableDefinitions,
    selectionSet: { kind: Kind.SELECTION_SET, selections: [root] },
  }
  return { kind: Kind.DOCUMENT, definitions: [definition] }
}

/** The root field's aggregate as Hasura names it, when the role sees it with a count. */
function findCount(fields: Readonly<Record<string, GraphQLField<unknown, unknown>>>, root: FieldNode) {
  const name = [`${root.name.value}_aggregate`, `${root.name.value}Aggregate`].find(each => each in fields)
  const field = name === undefined ? undefined : fields[name]
  const type = field && 'ofType' in field.type ? field.type.ofType : field?.type
  if (!field || !isObjectType(type) || !('aggregate' in type.getFields())) return undefined
  const where = root.arguments?.filter(({ name: { value } }) => value === 'where') ?? []
  const node: FieldNode = {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: field.name },
    arguments: where,
    selectionSet: { kind: Kind.SELECTION_SET, selections: countSelection },
  }
  return node
}

const { operation: counting } = readOperation(parse('{ aggregate { count } }'))
const countSelection = counting.selectionSet.selections
const offset: VariableNode = { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: 'offset' } }
const offsetArgument: ArgumentNode = { kind: Kind.ARGUMENT, name: offset.name, value: offset }
const offsetVariable: VariableDefinitionNode = {
  kind: Kind.VARIABLE_DEFINITION,
  variable: offset,
  type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'Int' } },
}

function variablesOf(argumentNodes: readonly ArgumentNode[]): string[] {
  return argumentNodes.flatMap(({ value }) => variablesIn(value))
}

function variablesIn(value: ArgumentNode['value']): string[] {
  switch (value.kind) {
    case Kind.VARIABLE:
      return [value.name.value]
    case Kind.LIST:
      return value.values.flatMap(variablesIn)
    case Kind.OBJECT:
      return value.fields.flatMap(field => variablesIn(field.value))
    default:
      return []
  }
}
