import { z } from 'zod'

export type Parsed<T> =
  | { readonly success: true; readonly data: T; readonly error?: undefined }
  | { readonly success: false; readonly error: z.core.$ZodError }

/**
 * Parses a setting or a payload with a job's schema. Zod passes on what a transform or a refinement throws; here it is an issue,
 * like any other mismatch. It is told without the error's message, which may quote the value.
 */
export function parseSafely<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  try {
    const parsed = schema.safeParse(value)
    // Zod computes the messages when the error is read, by functions of the schema.
    return parsed.success ? { success: true, data: parsed.data } : { success: false, error: parsed.error }
  } catch (error) {
    const issue = { code: 'custom', path: findPlace(schema, value), message: explain(error), input: undefined } as const
    return { success: false, error: new z.ZodError([issue]) }
  }
}

function explain(error: unknown): string {
  if (error instanceof z.core.$ZodAsyncError) return 'its schema is asynchronous, which is not supported'
  return `its schema threw ${named.safeParse(error).data?.name ?? 'an error'}`
}

const named = z.object({ name: z.string().regex(/^\w{1,40}$/) })

/** An error doesn't tell which property's schema threw it. */
function findPlace(schema: z.ZodType, value: unknown): string[] {
  if (!(schema instanceof z.ZodObject)) return []
  const place = Object.keys(schema.shape).find(name => throws(schema.shape[name], Object(value)[name]))
  return place === undefined ? [] : [place]
}

function throws(schema: z.ZodType, value: unknown): boolean {
  try {
    schema.safeParse(value)
    return false
  } catch {
    return true
  }
}
