/**
 * Parses the three forms of an HTTP date (RFC 9110, section 5.6.7) and ISO 8601. All are UTC: `Date.parse` would read the form without a
 * zone as local time, and almost any text as some date.
 *
 * @returns milliseconds since the Unix epoch, or NaN
 */
export function parseHttpDate(text: string): number {
  if (!dateForms.some(form => form.test(text))) return Number.NaN
  return Date.parse(/(?:GMT|UTC|Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
}

const dateForms = [
  /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?$/,
]
