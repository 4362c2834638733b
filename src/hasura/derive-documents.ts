import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLFieldMap,
  type GraphQLOutputType,
  getNamedType,
  isObjectType,
  isRequiredArgument,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  type VariableDefinitionNode,
  type VariableNode,
} from 'graphql'
import { findDocumentRoot, variablesIn } from './document-root.ts'
import { findPath, type SelectedList } from './find-list.ts'

/** A document with untyped variables and rows. */
export type UntypedDocument = TypedDocumentNode<unknown, Record<string, unknown>>

/** Further queries about the rows of a document, as far as the role may send them. */
export interface DerivedDocuments {
  /** The same rows with fewer columns. */
  readonly keys: UntypedDocument
  /** The same with a variable `offset`; absent when the root field has no such argument. */
  readonly keyAt?: UntypedDocument
  /** Returns `{"aggregate": {"count": n}}` at a place in `data`; absent when the role may not aggregate. */
  readonly count?: { readonly document: UntypedDocument; readonly place: string }
}

/** @param columns by their names in the document's rows */
export function deriveDocuments(
  document: DocumentNode,
  columns: readonly string[],
  list: SelectedList,
): DerivedDocuments {
  const { node, field, place } = list
  const selections = (node.selectionSet?.selections ?? []).filter(
    selection => selection.kind === Kind.FIELD && columns.includes(selection.alias?.value ?? selection.name.value),
  )
  const keys: FieldNode = { ...node, selectionSet: { kind: Kind.SELECTION_SET, selections } }
  const keyAt: FieldNode = {
    ...keys,
    arguments: [...(node.arguments ?? []).filter(({ name }) => name.value !== 'offset'), offsetArgument],
  }
  const count = findCount(list)
  return {
    keys: derive(document, 'Keys', keys),
    ...(field.args.some(({ name }) => name === 'offset') && {
      keyAt: derive(document, 'KeyAt', keyAt, [offsetVariable]),
    }),
    ...(count && {
      count: {
        document: derive(document, 'Count', count),
        place: [...place.split('.').slice(0, -1), count.name.value].join('.'),
      },
    }),
  }
}

/** What a query asks for, as a subscription. */
export function deriveSubscription(query: DocumentNode): UntypedDocument {
  const operation = findDocumentRoot(query)
  if (!operation) throw new TypeError('a document with an operation')
  const definition: OperationDefinitionNode = {
    ...operation,
    operation: OperationTypeNode.SUBSCRIPTION,
    ...(operation.name && { name: { ...operation.name, value: `${operation.name.value}Live` } }),
  }
  return { kind: Kind.DOCUMENT, definitions: [definition] }
}

/** Replaces the document's list by another field. */
function derive(
  document: DocumentNode,
  suffix: string,
  list: FieldNode,
  added: readonly VariableDefinitionNode[] = [],
): UntypedDocument {
  const operation = findDocumentRoot(document)
  const path = findPath(document)
  if (!operation || !path) throw new TypeError('a document that selects one list of rows')
  const root = path
    .slice(0, -1)
    .reduceRight<FieldNode>(
      (inner, namespace) => ({ ...namespace, selectionSet: { kind: Kind.SELECTION_SET, selections: [inner] } }),
      list,
    )
  const used = variablesIn(list.arguments ?? [])
  const names = new Set(added.map(({ variable }) => variable.name.value))
  const variableDefinitions = [
    ...(operation.variableDefinitions ?? []).filter(({ variable }) => !names.has(variable.name.value)),
    ...added,
  ].filter(({ variable }) => used.has(variable.name.value))
  const definition: OperationDefinitionNode = {
    ...operation,
    ...(operation.name && { name: { ...operation.name, value: `${operation.name.value}${suffix}` } }),
    variableDefinitions,
    selectionSet: { kind: Kind.SELECTION_SET, selections: [root] },
  }
  return { kind: Kind.DOCUMENT, definitions: [definition] }
}

/** Finds the list's aggregate, if the role may count with it: by Hasura's names, or by its shape, because it can be renamed. */
function findCount(list: SelectedList): FieldNode | undefined {
  const { node, field, siblings } = list
  const selecting = (node.arguments ?? []).filter(({ name }) => !paging.has(name.value))
  const named = countNames(field.name).flatMap(name => siblings[name] ?? [])[0]
  const candidates = named ? [named] : Object.values(siblings).filter(other => isCountOf(list, other))
  const [count, ...more] = candidates.filter(({ type }) => fieldsOf(type).aggregate)
  if (!count || more.length > 0 || !accepts(count, selecting)) return undefined
  return {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: count.name },
    arguments: selecting,
    selectionSet: { kind: Kind.SELECTION_SET, selections: countSelection },
  }
}

/** The arguments that page through a list; the others say which rows it has. */
const paging: ReadonlySet<string> = new Set(['order_by', 'orderBy', 'limit', 'offset'])

/** Whether a field takes all these arguments, and needs no other. */
function accepts({ args }: GraphQLField<unknown, unknown>, given: readonly ArgumentNode[]): boolean {
  const names = new Set(given.map(({ name }) => name.value))
  const known = args.filter(({ name }) => names.has(name))
  return known.length === names.size && args.every(arg => names.has(arg.name) || !isRequiredArgument(arg))
}

function countNames(list: string): readonly string[] {
  return [`${list}_aggregate`, `${list}Aggregate`]
}

/** The aggregate of a function that returns the table's rows has the same shape, but the function's name, or its argument `args`. */
function isCountOf({ field, row, siblings }: SelectedList, other: GraphQLField<unknown, unknown>): boolean {
  const { nodes } = fieldsOf(other.type)
  const own = new Map(field.args.map(({ name, type }) => [name, String(type)]))
  return (
    nodes !== undefined &&
    getNamedType(nodes.type) === row &&
    other.args.some(({ name }) => name === 'where') &&
    other.args.every(({ name, type }) => own.get(name) === String(type)) &&
    !Object.keys(siblings).some(list => countNames(list).includes(other.name))
  )
}

function fieldsOf(type: GraphQLOutputType): GraphQLFieldMap<unknown, unknown> {
  const named = getNamedType(type)
  return isObjectType(named) ? named.getFields() : {}
}

const countSelection = findDocumentRoot(parse('{ aggregate { count } }'))?.selectionSet.selections ?? []
const offset: VariableNode = { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: 'offset' } }
const offsetArgument: ArgumentNode = { kind: Kind.ARGUMENT, name: offset.name, value: offset }
const offsetVariable: VariableDefinitionNode = {
  kind: Kind.VARIABLE_DEFINITION,
  variable: offset,
  type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'Int' } },
}
