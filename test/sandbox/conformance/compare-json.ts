import { isJsonObject, type Json, JsonNumber, stringifyJson } from '../hasura/lossless-json.ts'

export interface Comparison {
  /** The order of an object's members counts. */
  readonly ordered?: boolean | undefined
  /** The order of a list's items doesn't: what a schema lists has none. */
  readonly sets?: boolean | undefined
}

/**
 * Where an answer differs from the expected one; undefined when it doesn't. Numbers are compared by their text. An
 * expected `{ $any: true }` fits anything, `{ $match: "…" }` a string that the pattern fits.
 */
export function difference(
  actual: Json | undefined,
  expected: Json,
  how: Comparison = {},
  path = '$',
): string | undefined {
  if (actual === undefined) return `${path}: nothing, expected ${stringifyJson(expected)}`
  if (isJsonObject(expected)) {
    if (expected.$any === true) return undefined
    const pattern = expected.$match
    if (typeof pattern === 'string') {
      const fits = typeof actual === 'string' && new RegExp(pattern).test(actual)
      return fits ? undefined : `${path}: ${stringifyJson(actual)}, expected something like ${pattern}`
    }
    return objectDifference(actual, expected, how, path)
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return unequal(actual, expected, path)
    const [found, wanted] = how.sets ? [byText(actual), byText(expected)] : [actual, expected]
    return firstOf(wanted.map((item, i) => difference(found[i], item, how, `${path}[${i}]`)))
  }
  if (expected instanceof JsonNumber) {
    return actual instanceof JsonNumber && actual.text === expected.text ? undefined : unequal(actual, expected, path)
  }
  return actual === expected ? undefined : unequal(actual, expected, path)
}

function objectDifference(
  actual: Json,
  expected: { [key: string]: Json },
  how: Comparison,
  path: string,
): string | undefined {
  if (!isJsonObject(actual)) return unequal(actual, expected, path)
  const found = Object.keys(actual)
  const wanted = Object.keys(expected)
  const same = how.ordered ? found.join() === wanted.join() : found.toSorted().join() === wanted.toSorted().join()
  if (!same) return `${path}: the members ${found.join(', ')}, expected ${wanted.join(', ')}`
  return firstOf(Object.entries(expected).map(([key, value]) => difference(actual[key], value, how, `${path}.${key}`)))
}

const byText = (list: readonly Json[]) => list.toSorted((a, b) => (stringifyJson(a) < stringifyJson(b) ? -1 : 1))

const firstOf = (differences: readonly (string | undefined)[]) => differences.find(d => d !== undefined)

const unequal = (actual: Json, expected: Json, path: string) =>
  `${path}: ${stringifyJson(actual)}, expected ${stringifyJson(expected)}`
