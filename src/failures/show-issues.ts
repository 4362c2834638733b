import type { z } from 'zod'

/** Shows where and how a value differs from its schema, without any part of the value; the first three places. */
export function showIssues({ issues }: z.core.$ZodError): string {
  const shown = issues.slice(0, 3).map(showIssue)
  const more = issues.length - shown.length
  return `${shown.join('; ')}${more > 0 ? ` and ${more} more` : ''}`
}

function showIssue(issue: z.core.$ZodIssue): string {
  // Zod's own messages name keys of the value, and a job's refinements may say anything.
  const what = issue.code === 'invalid_type' ? `${issue.expected} expected` : issue.code
  const where = issue.path.map(showKey).join('.')
  return where === '' ? what : `${what} at ${where}`
}

/** A key of a record can be data, such as an address. */
function showKey(key: PropertyKey): string {
  return /^(?:\d{1,9}|[a-z_][a-z_\d]{0,40})$/i.test(String(key)) ? String(key) : '…'
}
