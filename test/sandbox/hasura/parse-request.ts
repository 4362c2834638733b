import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  visit,
} from 'graphql'
import { HasuraError, parseFailed, validationFailed } from './hasura-error.ts'
import { isJsonObject, type Json, parseJson } from './lossless-json.ts'
import { aesonMismatch } from './session.ts'

export interface GraphQLRequest {
  readonly query: string
  readonly operationName: string | undefined
  readonly variables: Readonly<Record<string, Json>>
}

export interface Operation {
  readonly definition: OperationDefinitionNode
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly usedVariables: ReadonlySet<string>
}

const requestType = 'Hasura.GraphQL.Transport.HTTP.Protocol.GQLReq(GQLReq)'

export function parseBody(text: string): GraphQLRequest {
  let body: Json
  try {
    body = parseJson(text)
  } catch {
    const message =
      text.trim() === '' ? 'Error in $: not enough input' : 'Error in $: Failed reading: not a valid json value'
    throw new HasuraError('invalid-json', message)
  }
  return readRequest(body)
}

export function readRequest(body: Json): GraphQLRequest {
  if (!isJsonObject(body)) throw parseFailed(aesonMismatch(requestType, 'Object', body))
  const { query, operationName = null, variables = null } = body
  if (query === undefined) throw parseFailed(`parsing ${requestType} failed, key "query" not found`)
  if (typeof query !== 'string') throw parseFailed(aesonMismatch('Text', 'String', query), '$.query')
  if (operationName !== null && typeof operationName !== 'string') {
    throw parseFailed(aesonMismatch('Text', 'String', operationName), '$.operationName')
  }
  if (variables !== null && !isJsonObject(variables)) {
    throw parseFailed(aesonMismatch('HashMap', 'Object', variables), '$.variables')
  }
  return { query, operationName: operationName ?? undefined, variables: variables ?? {} }
}

/** The one operation to run. */
export function parseOperation({ query, operationName }: GraphQLRequest): Operation {
  let document: DocumentNode
  try {
    document = parse(query, { noLocation: true })
  } catch {
    throw validationFailed('not a valid graphql query', '$.query')
  }
  const operations: OperationDefinitionNode[] = []
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === 'OperationDefinition') operations.push(definition)
    else if (definition.kind === 'FragmentDefinition') fragments.set(definition.name.value, definition)
    else throw validationFailed('not a valid graphql query', '$.query')
  }
  const definition = selectOperation(operations, operationName, /^\s*\{/.test(query))
  const [directive] = definition.directives ?? []
  if (directive !== undefined && directive.name.value !== 'cached') {
    throw validationFailed(`directive '${directive.name.value}' is not allowed on a ${definition.operation}`)
  }
  return { definition, fragments, usedVariables: usedVariables(definition.selectionSet, fragments) }
}

function selectOperation(
  operations: readonly OperationDefinitionNode[],
  name: string | undefined,
  shorthand: boolean,
): OperationDefinitionNode {
  const [only] = operations
  if (name === undefined) {
    if (only !== undefined && operations.length === 1) return only
    throw validationFailed(
      'exactly one operation has to be present in the document when operationName is not specified',
    )
  }
  if (shorthand && only?.name === undefined) {
    throw validationFailed('operationName cannot be used when an anonymous operation exists in the document')
  }
  const named = operations.find(operation => operation.name?.value === name)
  if (named === undefined) throw validationFailed(`no such operation found in the document: "${name}"`)
  return named
}

/** Variables used in the operation or in a fragment that it reaches; a fragment that reaches itself is refused. */
function usedVariables(root: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): Set<string> {
  const used = new Set<string>()
  const search = (set: SelectionSetNode, within: readonly string[]): void => {
    visit(set, {
      Variable: node => {
        used.add(node.name.value)
      },
      FragmentSpread: node => {
        const name = node.name.value
        if (within.includes(name)) {
          const cycle = [...within.slice(within.indexOf(name) + 1), name]
          throw validationFailed(`cannot spread fragment "${name}" within itself via ${cycle.join(',')}`)
        }
        const fragment = fragments.get(name)
        if (fragment !== undefined) search(fragment.selectionSet, [...within, name])
      },
    })
  }
  search(root, [])
  return used
}
