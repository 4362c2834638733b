import type { z } from 'zod'

/**
 * Explains in Zod's words where a caller's value differs from its schema. For that caller only: the text names the caller's keys.
 *
 * @param whole name of the whole value, such as "payload"
 */
export function explainIssues({ issues }: z.core.$ZodError, whole: string): string {
  return issues
    .flatMap(issue => findCauses(issue, []))
    .map(({ path, message }) => `${path.map(String).join('.') || whole}: ${message}`)
    .join('; ')
}

/**
 * What to do about an invalid payload if its values are not at fault: JSON within JSON, as some drivers of databases make it, or a schema
 * that no JSON fits.
 */
export function remedyOfPayload(payload: unknown, { issues }: z.core.$ZodError): string | undefined {
  if (typeof payload === 'string' && /^\s*[[{]/.test(payload)) {
    return 'it is a text that holds JSON, as if it was encoded twice: give the object itself'
  }
  // Of `z.coerce.date()`, an issue tells that it got an invalid date.
  return issues.some(issue => issue.code === 'invalid_type' && issue.expected === 'date' && !('received' in issue))
    ? "a payload is JSON, where a date is a text: use z.coerce.date() or z.iso.datetime() in the job's schema"
    : undefined
}

interface Cause {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** Replaces "Invalid input" by its cause: of a union, the nearest alternative's issues; of a key or element, its own. */
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
