import { type DocumentNode, print, visit } from 'graphql'
import { PermanentError } from '../errors.ts'
import { findDocumentRoot } from './document-root.ts'
import type { DocumentKind } from './require-document.ts'
import type { Sendable } from './send-document.ts'
import { type Loss, writeJson } from './write-json.ts'

/**
 * Requires that JSON can carry the variables. Hasura takes `{}` for a condition that every row meets, so that a mutation whose filter
 * loses a value would change all rows of the role. In a query, undefined is left alone: many write `{ _eq: undefined }` for no condition.
 *
 * @throws PermanentError (`variables`)
 */
export function requireVariables({ document, variables }: Sendable, kind: DocumentKind): void {
  const root = findDocumentRoot(document)
  const isFilter = ([variable, ...path]: readonly string[]): boolean =>
    path.includes('where') ||
    root?.variableDefinitions?.some(
      each => each.variable.name.value === variable && filterType.test(print(each.type)),
    ) === true
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
            remedy: 'give it one; a Promise, a Map or a function is none',
          },
    )
  }
  if (kind === 'mutation') {
    const missing = findFilterVariables(document).find(name => variables[name] === undefined)
    if (missing !== undefined) refuse([missing], undefined, true)
  }
  try {
    writeJson(variables, loss => {
      const { path, value } = loss
      const inFilter = isFilter(path)
      if (value === undefined && (kind === 'query' || !inFilter || leavesOut(loss))) return
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
  return /^(?!_)|^_(?:and|or|not)$/.test(path.at(-1) ?? '') && Object.values(holder).some(value => value !== undefined)
}

/** Variables without a default within the filters of a mutation, but not those of what it returns. */
function findFilterVariables(document: DocumentNode): readonly string[] {
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
  return [...within].filter(name => !withDefault.has(name))
}
