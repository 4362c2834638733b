import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { AnyOperation } from '../operations/operation.ts'
import { parseValue } from '../operations/values.ts'

interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** The parts of the input that are in the path. */
  readonly names: readonly string[]
}

export function routeOf({ route }: Pick<AnyOperation, 'route'>): Route {
  const path = route.slice(route.indexOf(' ') + 1)
  const names = [...path.matchAll(pathPart)].map(([, name = '']) => name)
  return { method: route.startsWith('GET') ? 'GET' : 'POST', path, names }
}

const pathPart = /:(\w+)/g

/** The input in two parts: what is in the path, and the rest, in the query of a GET or in the body of a POST. */
export function splitInput(
  operation: Pick<AnyOperation, 'route'>,
  input: z.ZodObject,
): { readonly inPath: z.ZodObject; readonly rest: z.ZodObject } {
  const names: Record<string, true> = Object.fromEntries(routeOf(operation).names.map(name => [name, true]))
  return { inPath: input.pick(names), rest: input.omit(names) }
}

/**
 * The input of an operation, from a request.
 *
 * @throws UsageError naming the invalid part of the request
 */
export function readInput<Input extends z.ZodObject>(
  operation: Pick<AnyOperation, 'route'>,
  input: Input,
  { params, query, body }: Pick<FastifyRequest, 'params' | 'query' | 'body'>,
): z.output<Input> {
  const { inPath, rest } = splitInput(operation, input)
  const parts = {
    ...parseValue(inPath, params, 'path'),
    ...(routeOf(operation).method === 'GET'
      ? parseValue(z.strictObject(rest.shape), query, 'query')
      : parseValue(rest, body ?? {}, 'body')),
  }
  return parseValue(input, parts, 'request')
}

/** The request for an operation's input: the inverse of `readInput`. */
export function writeInput(
  operation: Pick<AnyOperation, 'route'>,
  input: object,
): { readonly method: string; readonly path: string; readonly body: object | undefined } {
  const { method, path, names } = routeOf(operation)
  const values = new Map<string, unknown>(Object.entries(input).filter(([, value]) => value !== undefined))
  const asked = path.replaceAll(pathPart, (_part, name: string) => encodeURIComponent(String(values.get(name))))
  for (const name of names) values.delete(name)
  if (method === 'POST') return { method, path: asked, body: Object.fromEntries(values) }
  const query = new URLSearchParams([...values].map(([name, value]): [string, string] => [name, String(value)]))
  return { method, path: query.size > 0 ? `${asked}?${query}` : asked, body: undefined }
}
