import { ConfigError } from '../errors.ts'
import { inPlace } from '../explanation.ts'
import { findUnknownFields, type Names } from '../names/unknown-fields.ts'

/**
 * Refuses the fields that a definition doesn't have: with a misspelt requirement a job would run unchecked.
 *
 * @param kind what is defined, in the singular, such as "job"
 * @param remedies for names that belong elsewhere
 * @throws ConfigError that tells them all
 */
export function checkFields<T extends { readonly name: string }>(
  kind: string,
  given: T,
  known: Names<T>,
  remedies?: ReadonlyMap<string, string>,
): void {
  const problems = findUnknownFields(`field of a ${kind}`, given, known, { ...(remedies && { remedies }) })
  if (problems.length > 0) throw new ConfigError(problems.map(problem => inPlace(`Job "${given.name}"`, problem)))
}
