import { type ArgumentNode, type ASTNode, type DocumentNode, Kind, print, visit } from 'graphql'
import { PermanentError } from '../errors.ts'
import { findDocumentRoot } from './document-root.ts'
import type { DocumentKind } from './require-document.ts'
import type { Sendable } from './send-document.ts'
import { type Loss, writeJson } from './write-json.ts'

/**
 * Requires that JSON can carry the variables. Hasura takes `{}` for a condition that every row meets, so that a mutation whose filter
 * loses a value would change all rows of the role; so it does with null before version 2, and with V1_BOOLEAN_NULL_COLLAPSE. In a query,
 * undefined is left alone, because many write `{ _eq: undefined }` for no condition, and null is Hasura's to judge.
 *
 * @throws PermanentError (`variables`)
 */
export function requireVariables({ document, variables }: Sendable, kind: DocumentKind): void {
  const root = findDocumentRoot(document)
  const variablesOf = (type: RegExp): ReadonlySet<string> =>
    new Set(
      root?.variableDefinitions?.filter(each => type.test(print(each.type))).map(({ variable }) => variable.name.value),
    )
  const filters = variablesOf(filterType)
  const json = variablesOf(jsonType)
  const isFilter = ([variable = '', ...path]: readonly string[]): boolean =>
    filters.has(variable) || (!json.has(variable) && holdsFilter(path.filter(name => !/^\d+$/.test(name))))
  function refuse(path: readonly string[], value: unknown, inFilter: boolean): never {
    const whose = `The variables of ${root?.name?.value ?? 'an operation without a name'}`
    const at = path.map(name => (/^\w{1,80}$/.test(name) ? name : '…')).join('.')
    throw new PermanentError(
      'variables',
      typeof value === 'number'
        ? {
            found: `${whose} have the number ${value} at "${at}", which JSON can't write`,
            remedy: `write it as text, "${value}", or null for no value`,
          }
        : {
            found: `${whose} have no value at "${at}"${inFilter ? ', so that the filter would match more rows' : ''}`,
            remedy: `give it one${inFilter ? ', or write "_is_null": true for rows without a value' : ''}; a Promise, a Map or a function is none`,
          },
    )
  }
  if (kind === 'mutation') {
    const missing = findFilterVariables(document).find(({ name, path, hasDefault }) =>
      variables[name] === undefined ? !hasDefault : variables[name] === null && !mayBeNull(path),
    )
    if (missing) refuse([missing.name], undefined, true)
  }
  try {
    writeJson(variables, loss => {
      const { path, value } = loss
      const inFilter = isFilter(path)
      if (value === null && isInValue(path)) return
      if (!has(value) && (kind === 'query' || !inFilter || leavesOut(loss))) return
      refuse(path, value, inFilter)
    })
  } catch (error) {
    // What can't be written at all, such as a BigInt, is told when the operation is sent.
    if (error instanceof PermanentError) throw error
  }
}

/** In both naming conventions, and with a prefix or suffix of the source's types. */
const filterType = /bool_?exp|comparison_?exp/i
const jsonType = /^\[*jsonb?\b/i

/**
 * Whether a path without indices leads through a `where` of Hasura: one of an update in a list, or of `on_conflict`. Any other is a name
 * in JSON.
 */
function holdsFilter(path: readonly string[]): boolean {
  return path.some((name, at) => name === 'where' && (at === 0 || conflict.test(path[at - 1] ?? '')))
}

const conflict = /^on_?conflict$/i

/**
 * A variable is left out, or a part of a filter: `{ status: undefined, id: … }` has no condition on `status`, unlike an operator without
 * a value.
 */
function leavesOut({ path, holder }: Loss): boolean {
  if (path.length === 1) return true
  return /^(?!_)|^_(?:and|or|not)$/.test(path.at(-1) ?? '') && Object.values(holder).some(has)
}

function has(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** JSON that an operator compares with holds null as a value, and an upsert needs no condition. */
function mayBeNull(path: readonly string[]): boolean {
  return isInValue(path) || (path.at(-1) === 'where' && conflict.test(path.at(-2) ?? ''))
}

/** Whether something is inside of what an operator compares with. */
function isInValue(path: readonly string[]): boolean {
  return path.slice(0, -1).some(name => comparing.test(name))
}

/** The operators that take JSON or a list. A column's name may begin with an underscore too. */
const comparing = /^_(?:n?eq|n?in|[gl]te?|contains|contained_?in)$/i

interface FilterVariable {
  readonly name: string
  /** The names of the argument and the fields around it. */
  readonly path: readonly string[]
  readonly hasDefault: boolean
}

/** The variables within the filters of a mutation, but not those of what it returns. */
function findFilterVariables(document: DocumentNode): readonly FilterVariable[] {
  const root = findDocumentRoot(document)
  const withDefault = new Set(
    root?.variableDefinitions?.filter(each => each.defaultValue).map(({ variable }) => variable.name.value),
  )
  return findArguments(document).flatMap(argument => {
    const found: FilterVariable[] = []
    visit(argument, {
      Variable({ name: { value: name } }, _key, parent, _path, ancestors) {
        const path = [...ancestors, parent].flatMap(node =>
          node && 'kind' in node && (node.kind === Kind.ARGUMENT || node.kind === Kind.OBJECT_FIELD)
            ? [node.name.value]
            : [],
        )
        if (holdsFilter(path) || holdsFilter(path.slice(1))) {
          found.push({ name, path, hasDefault: withDefault.has(name) })
        }
      },
    })
    return found
  })
}

/** Of the root fields, also those in namespaces, which are fields without arguments. */
function findArguments(document: DocumentNode) {
  const fragments = new Map(
    document.definitions.flatMap(each => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])),
  )
  const found: ArgumentNode[] = []
  const search = (node: ASTNode): void =>
    void visit(node, {
      Field({ arguments: given = [] }) {
        found.push(...given)
        return given.length > 0 ? false : undefined
      },
      FragmentSpread({ name }) {
        const fragment = fragments.get(name.value)
        fragments.delete(name.value)
        if (fragment) search(fragment)
      },
    })
  const root = findDocumentRoot(document)
  if (root) search(root)
  return found
}
