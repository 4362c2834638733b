import { z } from 'zod'
import { receiveCron, receiveEvent } from '../operations/hasura-triggers.ts'
import type { AnyOperation } from '../operations/operation.ts'
import { problemSchema } from '../problem.ts'
import { type Door, doors } from './doors.ts'
import { hookQuery, secretHeader } from './hook-routes.ts'
import { body, ifNoneMatch, json, parametersOf, problems, schemaOf, tagged, unchanged } from './openapi-parts.ts'
import { routeOf, splitInput } from './operation-route.ts'

/** The HTTP API as OpenAPI 3.1, derived from the schemas that parse requests. */
export function describeApi(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'hasura-sync-worker',
      version: '1',
      description:
        'Requests, runs, holds and schedules of a worker. A token needs one of the roles that an operation names.',
    },
    paths: { ...pathsOf(doors), ...hookPaths(), ...openPaths() },
    security: [{ bearer: [] }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        hookSecret: { type: 'apiKey', in: 'header', name: secretHeader },
      },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
    },
  }
}

const healthSchema = z.object({ status: z.literal('ok') })

/** Routes for everyone who can reach the server. */
function openPaths(): object {
  const open = { security: [] }
  const health = { ...open, tags: ['health'] }
  const ok = { 200: json('It does.', healthSchema), ...problems(431) }
  return {
    '/health/live': {
      get: { ...health, operationId: 'isAlive', summary: 'Whether the process serves', responses: ok },
    },
    '/health/ready': {
      get: {
        ...health,
        operationId: 'isReady',
        summary: 'Whether the store answers, and Redis where there is one',
        responses: { ...ok, ...problems(503) },
      },
    },
    '/metrics': {
      get: {
        ...open,
        tags: ['metrics'],
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus, where they are served at this address',
        responses: {
          200: { description: 'The metrics.', content: { 'text/plain': { schema: { type: 'string' } } } },
          ...problems(404, 431, 500),
        },
      },
    },
    '/openapi.json': {
      get: {
        ...open,
        operationId: 'getDescription',
        summary: 'This description',
        parameters: [ifNoneMatch],
        responses: { 200: tagged(json('The description.', z.looseObject({}))), 304: unchanged, ...problems(431) },
      },
    },
  }
}

/** Where Hasura's event triggers and cron triggers are sent. */
function hookPaths(): object {
  const hooks: readonly { name: string; operation: AnyOperation; summary: string }[] = [
    {
      name: 'receiveEvent',
      operation: receiveEvent,
      summary: 'A row has changed: requests the jobs that follow its table',
    },
    { name: 'receiveCron', operation: receiveCron, summary: 'Requests the job that a cron trigger names' },
  ]
  const paths = hooks.map(({ name, operation, summary }) => [
    routeOf(operation).path,
    {
      post: {
        tags: ['hooks'],
        security: [{ hookSecret: [] }],
        operationId: name,
        summary,
        parameters: parametersOf(hookQuery, 'query'),
        requestBody: body(operation.input.omit({ account: true })),
        responses: {
          200: json('It is delivered, and no job follows its table.', operation.output),
          202: json('The requests are accepted and committed.', operation.output),
          ...problems(400, 401, 403, 404, 408, 413, 415, 431, 500, 503),
        },
      },
    },
  ])
  return Object.fromEntries(paths)
}

function pathsOf(all: readonly Door[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const door of all) {
    const { method, path } = routeOf(door.operation)
    const asked = path.replaceAll(/:(\w+)/g, '{$1}')
    paths[asked] = { ...paths[asked], [method.toLowerCase()]: describeDoor(door) }
  }
  return paths
}

/** Responses of every operation: about its input, its caller and outages. */
const always = [400, 401, 403, 404, 408, 414, 429, 431, 500, 503]
const withBody = [413, 415]
const ownProblems: ReadonlyMap<string, readonly number[]> = new Map([
  ['makeRequest', [409, 422]],
  ['listChanges', [410]],
])

function describeDoor(door: Door): object {
  const { name, operation, input, headers } = door
  const { method } = routeOf(operation)
  const { inPath, rest } = splitInput(operation, input)
  const parameters = [
    ...parametersOf(inPath, 'path'),
    ...parametersOf(headers, 'header'),
    ...(method === 'GET' ? [...parametersOf(rest, 'query'), ifNoneMatch] : []),
  ]
  const hasBody = method === 'POST' && Object.keys(rest.shape).length > 0
  const errors = [...always, ...(method === 'POST' ? withBody : []), ...(ownProblems.get(name) ?? [])]
  return {
    operationId: name,
    'x-roles': operation.roles,
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody && { requestBody: body(rest) }),
    responses: {
      ...describeAnswer(door),
      ...problems(...errors),
    },
  }
}

function describeAnswer({ operation, status, output }: Door): object {
  if (status === 204) return { 204: { description: 'It is done.' } }
  const answer = json(status === 202 ? 'It is accepted and committed.' : 'The answer.', output)
  return routeOf(operation).method === 'GET' ? { [status]: tagged(answer), 304: unchanged } : { [status]: answer }
}
