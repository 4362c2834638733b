import type { z } from 'zod'

/**
 * Where a value that a caller gave differs from its schema, and how, in Zod's words: for the caller alone, since they name keys
 * that it gave.
 *
 * @param whole what the value as a whole is called, such as "payload"
 */
export function explainIssues({ issues }: z.core.$ZodError, whole: string): string {
  return issues
    .flatMap(issue => findCauses(issue, []))
    .map(({ path, message }) => `${path.map(String).join('.') || whole}: ${message}`)
    .join('; ')
}

interface Cause {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** "Invalid input" tells nothing: of alternatives, what the nearest one says; of a key or an element, what is wrong with it. */
function findCauses(issue: z.core.$ZodIssue, parent: readonly PropertyKey[]): readonly Cause[] {
  const path = [...parent, ...issue.path]
  const inner =
    issue.code === 'invalid_union'
      ? issue.errors.toSorted((a, b) => a.length - b.length)[0]
      : issue.code === 'invalid_key' || issue.code === 'invalid_element'
        ? issue.issues
        : undefined
  if (!inner || inner.length === 0) return [{ path, message: issue.message }]
  return inner.flatMap(each => findCauses(each, path))
}
