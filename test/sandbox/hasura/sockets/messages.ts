import { HasuraError } from '../hasura-error.ts'
import { isJsonObject, type Json, parseJson } from '../lossless-json.ts'
import { type GraphQLRequest, readRequest } from '../parse-request.ts'
import { aesonMismatch } from '../session.ts'

/** `graphql-ws` is that of subscriptions-transport-ws, which Hasura takes a client for that offers anything else. */
export const subprotocols = ['graphql-transport-ws', 'graphql-ws'] as const
export type Subprotocol = (typeof subprotocols)[number]

/** `toWSSubProtocol` in Hasura's source: the header as a whole, so that a list of both is the older one. */
export function subprotocolOf(header: string | undefined): Subprotocol {
  return header === 'graphql-transport-ws' ? header : 'graphql-ws'
}

export type ClientMessage =
  | { readonly kind: 'init'; readonly headers: ReadonlyMap<string, string> }
  | { readonly kind: 'start'; readonly id: string; readonly request: GraphQLRequest }
  | { readonly kind: 'stop'; readonly id: string }
  | { readonly kind: 'ping'; readonly payload: Json | undefined }
  | { readonly kind: 'pong' }
  | { readonly kind: 'terminate' }

/** Hasura reads the messages of both protocols on either of them. @throws Error in Hasura's words */
export function parseClientMessage(text: string): ClientMessage {
  let message: Json
  try {
    message = parseJson(text)
  } catch {
    throw new Error('Error in $: Failed reading: not a valid json value')
  }
  if (!isJsonObject(message)) throw new Error(`Error in $: ${aesonMismatch('ClientMessage', 'Object', message)}`)
  const { type, id, payload } = message
  if (typeof type !== 'string') throw new Error('Error in $: key "type" not found')
  switch (type) {
    case 'connection_init':
      return { kind: 'init', headers: headersOf(payload) }
    case 'subscribe':
    case 'start':
      return { kind: 'start', id: textOf(id), request: requestOf(payload) }
    case 'complete':
    case 'stop':
      return { kind: 'stop', id: textOf(id) }
    case 'ping':
      return { kind: 'ping', payload }
    case 'pong':
      return { kind: 'pong' }
    case 'connection_terminate':
      return { kind: 'terminate' }
    default:
      throw new Error(`Error in $: unexpected type for ClientMessage: ${type}`)
  }
}

function headersOf(payload: Json | undefined): ReadonlyMap<string, string> {
  const headers = isJsonObject(payload) && isJsonObject(payload.headers) ? payload.headers : {}
  return new Map(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name.toLowerCase(), value]] : [],
    ),
  )
}

function textOf(id: Json | undefined): string {
  if (typeof id === 'string') return id
  throw new Error('Error in $: key "id" not found')
}

function requestOf(payload: Json | undefined): GraphQLRequest {
  try {
    return readRequest(payload ?? null)
  } catch (error) {
    throw error instanceof HasuraError ? new Error(`Error in $.payload: ${error.message}`) : error
  }
}

/** What the two protocols call the same. */
const names = {
  'graphql-transport-ws': { data: 'next', keepAlive: '{"type":"ping","payload":{"message":"keepalive"}}' },
  'graphql-ws': { data: 'data', keepAlive: '{"type":"ka"}' },
} as const

export const acknowledgement = '{"type":"connection_ack"}'

export function keepAlive(protocol: Subprotocol): string {
  return names[protocol].keepAlive
}

/** @param payload the response as JSON text, whose digits stay as they are */
export function dataMessage(protocol: Subprotocol, id: string, payload: string): string {
  return `{"type":"${names[protocol].data}","id":${JSON.stringify(id)},"payload":${payload}}`
}

/** What is wrong with an operation before it runs. */
export function refusalMessage(protocol: Subprotocol, id: string, error: HasuraError): string {
  const errors = [error.toJson()]
  return JSON.stringify({ type: 'error', id, payload: protocol === 'graphql-ws' ? { errors } : errors })
}

export function completeMessage(id: string): string {
  return JSON.stringify({ type: 'complete', id })
}

/** The reason of a close frame, which has room for 123 bytes; Hasura's own text is JSON. */
export function closeReason(text: string): string {
  return JSON.stringify({ server_error_msg: text }).slice(0, 123)
}
