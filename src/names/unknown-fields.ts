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
 */
export function findUnknownFields(
  kind: string,
  given: object,
  known: Readonly<Record<string, true>>,
  path = '',
): readonly Told[] {
  return Object.keys(given)
    .filter(name => !Object.hasOwn(known, name))
    .map(name => ({ found: `"${path}${name}" is no ${kind}`, remedy: findRemedy(name, known, path) }))
}

/** What a requirement consists of, which belongs beside a pull's options, but within a job's requirement. */
const ofRequirement: ReadonlySet<string> = new Set(['role', 'scopes', 'clientRoles'])

function findRemedy(name: string, known: Readonly<Record<string, true>>, path: string): string {
  if (Object.hasOwn(known, 'requirement') && ofRequirement.has(name)) return `write "requirement: { ${name}: … }"`
  const [near] = findNearNames(name, Object.keys(known))
  return near === undefined ? 'remove it' : `did you mean "${path}${near}"?`
}
