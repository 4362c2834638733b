import { z } from 'zod'

/** The names of a payload's top-level properties; empty if its schema has none, such as `z.unknown()`. */
export function propertiesOf(payload: z.ZodType): string[] {
  return [...new Set(namesIn(z.toJSONSchema(payload, { io: 'input', unrepresentable: 'any', reused: 'inline' })))]
}

type Described = boolean | z.core.JSONSchema.JSONSchema | z.core.JSONSchema.BaseSchema

function namesIn(schema: Described): string[] {
  if (typeof schema === 'boolean') return []
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  return [...Object.keys(schema.properties ?? {}), ...parts.flatMap(namesIn)]
}
