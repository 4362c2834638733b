import type { Told } from '../explanation.ts'
import { findNearNames } from './near-names.ts'

/** The names of all fields of a type, so that the compiler finds a missing one. */
export type Names<T> = Readonly<Record<keyof T, true>>

/**
 * The fields that a type doesn't have. Node strips types without checking them, and a misspelt field, such as a filter, would have no
 * effect without a word.
 *
 * @param kind what a field is, in the singular, such as "option of a pull"
 * @param path what leads to the fields, such as "live."
 * @param remedies for names that belong elsewhere
 */
export function findUnknownFields(
  kind: string,
  given: object,
  known: Readonly<Record<string, true>>,
  { path = '', remedies = new Map() }: { readonly path?: string; readonly remedies?: ReadonlyMap<string, string> } = {},
): readonly Told[] {
  return Object.keys(given)
    .filter(name => !Object.hasOwn(known, name))
    .map(name => {
      const [near] = findNearNames(name, Object.keys(known))
      const remedy = near === undefined ? 'remove it' : `did you mean "${path}${near}"?`
      return { found: `"${path}${name}" is no ${kind}`, remedy: remedies.get(name) ?? remedy }
    })
}
