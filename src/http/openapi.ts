import { z } from 'zod'
import { problemSchema, problemType } from '../problem.ts'
import { type Door, doors } from './doors.ts'
import { routeOf } from './operation-route.ts'

/** The HTTP API as OpenAPI 3.1, made of the schemas that parse what is asked. */
export function describeApi(): object {
  const health = { tags: ['health'], security: [], responses: { 200: json('It does.', healthSchema) } }
  return {
    openapi: '3.1.0',
    info: {
      title: 'hasura-sync-worker',
      version: '1',
      description:
        'Requests, runs, holds and schedules of a worker. A token needs one of the roles that an operation names.',
    },
    paths: {
      ...pathsOf(doors),
      '/health/live': { get: { ...health, operationId: 'isAlive', summary: 'Whether the process serves' } },
      '/health/ready': {
        get: {
          ...health,
          operationId: 'isReady',
          summary: 'Whether the store answers, and Redis where there is one',
          responses: { ...health.responses, ...problems(503) },
        },
      },
    },
    security: [{ bearer: [] }],
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
    },
  }
}

const healthSchema = z.object({ status: z.literal('ok') })

function pathsOf(all: readonly Door[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const door of all) {
    const { method, path } = routeOf(door.operation)
    const asked = path.replaceAll(/:(\w+)/g, '{$1}')
    paths[asked] = { ...paths[asked], [method.toLowerCase()]: describeDoor(door) }
  }
  return paths
}

/** What every operation may answer: for its input, its caller and what is down. */
const always = [400, 401, 403, 404, 408, 414, 429, 431, 500, 503]
const withBody = [413, 415]

function describeDoor({ name, operation, input, headers, status, output }: Door): object {
  const { method, names } = routeOf(operation)
  const inPath: Record<string, true> = Object.fromEntries(names.map(part => [part, true]))
  const rest = input.omit(inPath)
  const parameters = [
    ...parametersOf(input.pick(inPath), 'path'),
    ...parametersOf(headers, 'header'),
    ...(method === 'GET' ? parametersOf(rest, 'query') : []),
  ]
  const isOptional = rest.safeParse({}).success
  const errors = [...always, ...(method === 'POST' ? withBody : []), ...(name === 'makeRequest' ? [409, 422] : [])]
  return {
    operationId: name,
    'x-roles': operation.roles,
    ...(parameters.length > 0 && { parameters }),
    ...(method === 'POST' && {
      requestBody: { required: !isOptional, content: { 'application/json': { schema: schemaOf(rest, 'input') } } },
    }),
    responses: {
      [status]: json(status === 202 ? 'It is accepted, and committed.' : 'The answer.', output),
      ...problems(...errors),
    },
  }
}

function parametersOf(schema: z.ZodObject, place: 'path' | 'query' | 'header'): object[] {
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
  prefer: 'wait=N (RFC 7240): the answer comes when the request has ended, or after N seconds, 60 at most.',
}

function json(description: string, schema: z.ZodType): object {
  return { description, content: { 'application/json': { schema: schemaOf(schema, 'output') } } }
}

const meanings: Readonly<Record<number, string>> = {
  400: 'The input is wrong.',
  401: 'The token is missing, or not valid.',
  403: 'The token lacks the role.',
  404: 'What was named is not there for this caller.',
  408: 'The request did not come to its end in time.',
  409: 'The first request with this idempotency key is being accepted: see Retry-After.',
  413: 'The body is too large.',
  414: 'A part of the path is too long.',
  415: 'The body is no JSON.',
  422: 'The idempotency key was used with another payload.',
  429: 'The caller asks too often: see Retry-After.',
  431: 'The headers are too large.',
  500: 'Something went wrong in the worker.',
  503: "The store, or the issuer's keys, can't be reached: see Retry-After.",
}

function problems(...statuses: readonly number[]): Record<number, object> {
  const content = { [problemType]: { schema: { $ref: '#/components/schemas/Problem' } } }
  return Object.fromEntries(statuses.map(status => [status, { description: meanings[status], content }]))
}

/** @param name one property of it alone */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', name?: string): unknown {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return name === undefined ? described : described.properties?.[name]
}
