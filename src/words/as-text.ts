/** What should be a text, but was set by code whose types nobody checked: a text, a list of texts, or the kind of the value. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value.join(', ')
  return `${kindOf(value)} in place of a text`
}

/** Names the kind of a value without any part of it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value !== 'object') return typeof value
  const keys = Object.keys(value).filter(isName).slice(0, 10)
  return keys.length > 0 ? `an object with ${keys.join(', ')}` : 'an object'
}

/** A key of a record can be data, such as an address. */
function isName(key: string): boolean {
  return /^[a-z_]\w{0,40}$/i.test(key)
}
