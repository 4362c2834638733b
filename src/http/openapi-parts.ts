import { z } from 'zod'
import { problemType } from '../problem.ts'

export const ifNoneMatch = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description: 'The ETag of a stored response: 304 if it is still current.',
}
export const unchanged = { description: 'The stored response is still current.' }

export function tagged(answer: object): object {
  return { ...answer, headers: { ETag: { description: 'Changes with the response.', schema: { type: 'string' } } } }
}

/**
 * Required also where `{}` will do: generated clients declare a body that they don't have as JSON, and an empty one is refused.
 */
export function body(schema: z.ZodType): object {
  return { required: true, content: { 'application/json': { schema: schemaOf(schema, 'input') } } }
}

export function parametersOf(schema: z.ZodObject, place: 'path' | 'query' | 'header'): object[] {
  return Object.entries(schema.shape).map(([name, part]) => ({
    name: place === 'header' ? (headerNames[name] ?? name) : name,
    in: place,
    required: place === 'path' || !z.object({ [name]: part }).safeParse({}).success,
    schema: schemaOf(z.object({ [name]: part }), 'input', name),
    ...(place === 'header' && { description: headerMeanings[name] }),
  }))
}

const headerNames: Readonly<Record<string, string>> = { 'idempotency-key': 'Idempotency-Key', prefer: 'Prefer' }
const headerMeanings: Readonly<Record<string, string>> = {
  'idempotency-key':
    'A request is made once for its caller, account, job and key. Kept for 7 days after the request has ended, 30 if it failed.',
  prefer:
    'wait=N (RFC 7240): the response is sent when the request has ended, or after N seconds, at most 60. N must be less than the timeouts of clients and proxies.',
}

export function json(description: string, schema: z.ZodType): object {
  return { description, content: { 'application/json': { schema: schemaOf(schema, 'output') } } }
}

const meanings: Readonly<Record<number, string>> = {
  400: 'The input is invalid.',
  401: 'The token, or the secret of a hook, is missing or invalid.',
  403: 'The token lacks the role, or nobody may use this.',
  404: 'The object does not exist for this caller.',
  408: 'The request was not complete in time.',
  409: 'The first request with this idempotency key is being accepted: see Retry-After.',
  410: "The position comes after the table's last change: read again from 0.",
  413: 'The body is too large.',
  414: 'A part of the path is too long.',
  415: 'The body is not JSON, or is compressed.',
  422: 'The idempotency key was used with another payload.',
  429: 'The caller sends too many requests: see Retry-After.',
  431: 'The headers are too large.',
  500: 'An unexpected error in the worker.',
  503: "The store, or the issuer's keys, can't be reached: see Retry-After.",
}

export function problems(...statuses: readonly number[]): Record<number, object> {
  const content = { [problemType]: { schema: { $ref: '#/components/schemas/Problem' } } }
  return Object.fromEntries(statuses.map(status => [status, { description: meanings[status], content }]))
}

/**
 * Of a response, objects may have further properties: a later version adds some. Numbers that aren't integers have a
 * format, without which generated clients in Go round counts of rows to 24 bits. Zod's own limits of integers are left out: as
 * annotations of an `Integer` they are more than a Java compiler takes. A simple value that may be null has two types instead of
 * a choice, by which openapi-generator would let all equal schemas be null: the id in a path, and the fields of bodies.
 *
 * @param name one of its properties
 */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output', name?: string): unknown {
  const { $schema: _, ...described } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ jsonSchema }) {
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      if (jsonSchema.type === 'number') jsonSchema.format = 'double'
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      joinNull(jsonSchema)
    },
  })
  return name === undefined ? described : described.properties?.[name]
}

/** Zod writes a type and null as `{type: [T, 'null']}` only if the type has no limits. */
function joinNull(schema: z.core.JSONSchema.BaseSchema): void {
  const [value, orNull, ...others] = schema.anyOf ?? []
  if (orNull?.type !== 'null' || others.length > 0) return
  const type = simpleTypes.find(simple => simple === value?.type)
  if (type === undefined || value?.enum) return
  delete schema.anyOf
  Object.assign(schema, value, { type: [type, 'null'] })
}
const simpleTypes = ['string', 'integer', 'number', 'boolean'] as const
