import { type DocumentNode, print, visit } from 'graphql'
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
  const filters = new Set(
    root?.variableDefinitions
      ?.filter(({ type }) => filterType.test(print(type)))
      .map(({ variable }) => variable.name.value),
  )
  const isFilter = ([variable = '', ...path]: readonly string[]): boolean =>
    path.includes('where') || filters.has(variable)
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
    const missing = findFilterVariables(document).find(({ name, hasDefault }) =>
      hasDefault ? variables[name] === null : !has(variables[name]),
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

/** Whether something is inside of what an operator compares with, such as JSON; a column's name may begin like that of an operator. */
function isInValue(path: readonly string[]): boolean {
  return path.some(
    (name, at) => operator.test(name) && path[at + 1] !== undefined && !operator.test(path[at + 1] ?? ''),
  )
}

const operator = /^_(?!(?:and|or|not)$)/

/** The variables within the filters of a mutation, but not those of what it returns. */
function findFilterVariables(
  document: DocumentNode,
): readonly { readonly name: string; readonly hasDefault: boolean }[] {
  const within = new Set<string>()
  const withDefault = new Set<string>()
  const collect = (filter: Parameters<typeof visit>[0]): void =>
    void visit(filter, { Variable: ({ name }) => void within.add(name.value) })
  visit(document, {
    VariableDefinition({ variable, defaultValue }) {
      if (defaultValue) withDefault.add(variable.name.value)
      return false
    },
    Field: ({ name }) => (name.value === 'returning' ? false : undefined),
    Argument: node => (node.name.value === 'where' ? collect(node) : undefined),
    ObjectField: node => (node.name.value === 'where' ? collect(node) : undefined),
  })
  return [...within].map(name => ({ name, hasDefault: withDefault.has(name) }))
}
