import { NotFoundError, UsageError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { listNames } from './list-names.ts'
import { findNearNames } from './near-names.ts'

/**
 * Explains an unknown name, for every filter and argument that takes one.
 *
 * @param kind what was named, in the singular, such as "job"
 */
export function explainUnknown(kind: string, wanted: string, names: Iterable<string>): Explanation {
  const known = [...names]
  const near = findNearNames(wanted, known)
  const found = `There is no ${kind} "${wanted}"`
  if (near.length > 0) return { found, remedy: `did you mean ${near.join(' or ')}?` }
  return { found, remedy: known.length > 0 ? `the ${kind}s are ${listNames(known)}` : undefined }
}

export function byName<T extends { readonly name: string }>(items: readonly T[]): ReadonlyMap<string, T> {
  return new Map(items.map(item => [item.name, item]))
}

/** @throws NotFoundError with similar names, or with the existing ones */
export function getNamed<T>(kind: string, named: ReadonlyMap<string, T>, wanted: string): T {
  const found = named.get(wanted)
  if (found === undefined) throw new NotFoundError(explainUnknown(kind, wanted, named.keys()))
  return found
}

/**
 * Finds by name; without a name, the only one.
 *
 * @throws NotFoundError as `getNamed`; UsageError when there are several and none is named
 */
export function chooseNamed<T>(kind: string, named: ReadonlyMap<string, T>, wanted: string | undefined): T {
  if (wanted !== undefined) return getNamed(kind, named, wanted)
  const [only, ...others] = named.values()
  if (only !== undefined && others.length === 0) return only
  throw new UsageError({
    found: `There are several ${kind}s`,
    remedy: `name one of ${listNames([...named.keys()])}`,
  })
}
