import { findJson } from './parse-json.ts'

/** A JSON object, or undefined for anything else. */
export async function readObject(response: Response): Promise<Readonly<Record<string, unknown>> | undefined> {
  const value = findJson(await response.text())
  return isObject(value) ? value : undefined
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The string fields. */
export function findText(
  object: Readonly<Record<string, unknown>> | undefined,
  ...names: string[]
): string | undefined {
  return names.map(name => object?.[name]).find(value => typeof value === 'string')
}
