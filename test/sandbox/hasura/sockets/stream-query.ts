import {
  type DocumentNode,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  parseType,
  print,
  valueFromASTUntyped,
} from 'graphql'
import { validationFailed } from '../hasura-error.ts'
import { isJsonObject, type Json, JsonNumber, stringifyJson, toPlain } from '../lossless-json.ts'
import type { GraphQLRequest, Operation } from '../parse-request.ts'

/**
 * One batch of a streaming subscription, as the query that Hasura makes of it: rows whose cursor is greater than the last batch's
 * greatest, in its order, at most so many. So rows that tie with the batch's edge are lost, and so are those that commit later.
 */
export interface StreamQuery {
  /** The root field of the subscription. */
  readonly field: string
  readonly initial: Json
  batchAfter(cursor: Json): GraphQLRequest
}

/** What the rewritten query calls the cursor of each row; taken out before rows are sent. */
const cursorAlias = 'stream__cursor'

/** @returns undefined for any other subscription */
export function findStreamQuery(
  { definition }: Operation,
  request: GraphQLRequest,
  schema: GraphQLSchema,
): StreamQuery | undefined {
  const [node] = definition.selectionSet.selections
  if (node?.kind !== Kind.FIELD || !node.name.value.endsWith('_stream')) return undefined
  const table = node.name.value.slice(0, -'_stream'.length)
  const plain = Object.fromEntries(Object.entries(request.variables).map(([name, value]) => [name, toPlain(value)]))
  const argument = (name: string) => node.arguments?.find(given => given.name.value === name)?.value
  const cursorNode = argument('cursor')
  const [cursor] = [cursorNode && valueFromASTUntyped(cursorNode, plain)].flat()
  const initial = isRecord(cursor) && isRecord(cursor.initial_value) ? Object.entries(cursor.initial_value) : []
  const [column, value] = initial[0] ?? []
  if (column === undefined || initial.length > 1) {
    throw validationFailed('streaming subscriptions need one column in "initial_value"', '$')
  }
  const where = argument('where')
  const batch = argument('batch_size')
  const type = scalarOf(schema, `${table}_stream_cursor_value_input`, column)
  const given = where === undefined ? '' : `${print(where)}, `
  const selected = node.selectionSet === undefined ? '' : print(node.selectionSet).slice(1, -1)
  const document = parse(`{
    ${table}(where: { _and: [${given}{ ${column}: { _gt: $stream__cursor } }] }, order_by: { ${column}: asc },
      limit: ${batch === undefined ? 1 : print(batch)}) { ${selected} ${cursorAlias}: ${column} }
  }`)
  const query = print(withVariables(document, definition, type))
  return {
    field: node.alias?.value ?? node.name.value,
    initial: typeof value === 'string' ? value : new JsonNumber(String(value)),
    batchAfter: position => ({
      query,
      operationName: undefined,
      variables: { ...withoutUnused(request.variables, query), stream__cursor: position },
    }),
  }
}

/** The batch as it is sent, and where the next one starts; undefined without rows. */
export function readBatch(
  data: Json,
  { field }: StreamQuery,
): { readonly text: string; readonly next: Json } | undefined {
  const rows = isJsonObject(data) ? Object.values(data)[0] : undefined
  if (!Array.isArray(rows) || rows.length === 0) return undefined
  let next: Json = null
  const sent = rows.map(row => {
    const { [cursorAlias]: cursor = null, ...columns } = isJsonObject(row) ? row : {}
    next = cursor
    return columns
  })
  return { text: `{"data":${stringifyJson({ [field]: sent })}}`, next }
}

function withVariables(document: DocumentNode, original: OperationDefinitionNode, type: string): DocumentNode {
  const [query] = document.definitions
  if (query?.kind !== Kind.OPERATION_DEFINITION) throw new Error('a query was made')
  const text = print(query)
  const variable = {
    kind: Kind.VARIABLE_DEFINITION,
    variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: 'stream__cursor' } },
    type: parseType(`${type}!`),
  } as const
  const variableDefinitions = [
    ...(original.variableDefinitions ?? []).filter(({ variable: { name } }) => uses(text, name.value)),
    variable,
  ]
  return { ...document, definitions: [{ ...query, variableDefinitions }] }
}

function withoutUnused(variables: GraphQLRequest['variables'], query: string): GraphQLRequest['variables'] {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => uses(query, name)))
}

const uses = (text: string, variable: string) => new RegExp(`\\$${variable}\\b`).test(text)

function scalarOf(schema: GraphQLSchema, input: string, column: string): string {
  const type = schema.getType(input)
  const field = isInputObjectType(type) ? type.getFields()[column] : undefined
  if (!field) throw validationFailed(`field '${column}' not found in type: '${input}'`, '$')
  return getNamedType(field.type).name
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
