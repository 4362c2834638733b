import { JsonNumber, stringifyJson } from './lossless-json.ts'
import type { Input } from './parse-input.ts'

// The parser has checked a request against the schema; these read what it left, and a miss is a mistake of the sandbox.

export function objectFields(input: Input | undefined): ReadonlyMap<string, Input> {
  if (input === undefined || input.kind === 'null') return new Map()
  if (input.kind !== 'object') throw new Error(`expected an object, found ${input.kind}`)
  return input.fields
}

/** The items of a list, without those that are null. */
export function listItems(input: Input | undefined): readonly Input[] {
  if (input === undefined || input.kind === 'null') return []
  if (input.kind !== 'list') throw new Error(`expected a list, found ${input.kind}`)
  return input.items
}

export function enumNames(input: Input | undefined): string[] {
  return listItems(input).map(item => {
    if (item.kind !== 'enum') throw new Error(`expected an enum value, found ${item.kind}`)
    return item.name
  })
}

/** A scalar as the text that Postgres reads; null when it is null. */
export function scalarText(input: Input, type: string): string | null {
  if (input.kind === 'null') return null
  if (input.kind !== 'scalar') throw new Error(`expected a scalar, found ${input.kind}`)
  const { json } = input
  if (type === 'json' || type === 'jsonb') return stringifyJson(json)
  if (json instanceof JsonNumber) return json.text
  return typeof json === 'string' ? json : stringifyJson(json)
}

export function presentText(input: Input, type: string): string {
  const text = scalarText(input, type)
  if (text === null) throw new Error('a value that cannot be null is null')
  return text
}
