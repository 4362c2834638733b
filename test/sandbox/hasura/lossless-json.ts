// JSON whose numbers keep their digits: 9007199254740993 and 0.10000000000000000001 must stay the same.

export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Json = null | boolean | string | JsonNumber | Json[] | { [key: string]: Json }

/** Parses JSON text; each number keeps the text it was written as. Throws SyntaxError on anything else. */
export function parseJson(text: string): Json {
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? new JsonNumber(context?.source ?? String(value)) : value,
  )
}

export function stringifyJson(value: Json): string {
  if (value instanceof JsonNumber) return value.text
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${stringifyJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}

/** What JSON.parse would have given: for what needs plain values and no digits. */
export function toPlain(value: Json): unknown {
  if (value instanceof JsonNumber) return Number(value.text)
  if (Array.isArray(value)) return value.map(toPlain)
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toPlain(member)]))
  }
  return value
}

export function isJsonObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
}
