import { print } from 'graphql'
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
  try {
    writeJson(variables, loss => {
      const inFilter = isFilter(loss.path)
      if (loss.value === undefined && (kind === 'query' || !inFilter || leavesOut(loss))) return
      const { path, value } = loss
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
              found: `${whose} have no value at "${at}"${inFilter ? ', and would match every row' : ''}`,
              remedy: 'give it one; a Promise, a Map or a function is none',
            },
      )
    })
  } catch (error) {
    // What can't be written at all, such as a BigInt, is told when the operation is sent.
    if (error instanceof PermanentError) throw error
  }
}

/** In both naming conventions, and with a prefix or suffix of the source's types. */
const filterType = /bool_?exp|comparison_?exp/i

/** `{ status: undefined, id: … }` is a filter without a condition on `status`, unlike an operator without a value. */
function leavesOut({ path, holder }: Loss): boolean {
  return !path.at(-1)?.startsWith('_') && Object.values(holder).some(value => value !== undefined)
}
