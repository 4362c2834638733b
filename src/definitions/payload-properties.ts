import { z } from 'zod'
import { readSafely } from '../failures/read-safely.ts'

/** The names of a payload's top-level properties; empty if its schema has none, such as `z.unknown()`, or can't be described. */
export function propertiesOf(payload: z.ZodType): string[] {
  // Zod throws if two schemas in it have the same id, and passes on what a default throws.
  const schema = readSafely(() => z.toJSONSchema(payload, { io: 'input', unrepresentable: 'any', reused: 'inline' }))
  return [...new Set(namesIn(schema ?? false))]
}

type Described = boolean | z.core.JSONSchema.JSONSchema | z.core.JSONSchema.BaseSchema

function namesIn(schema: Described): string[] {
  if (typeof schema === 'boolean') return []
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  return [...Object.keys(schema.properties ?? {}), ...parts.flatMap(namesIn)]
}
