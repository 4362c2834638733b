import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { isJsonObject, type Json, parseJson, stringifyJson } from '../hasura/lossless-json.ts'
import { signToken } from '../hasura/sign-token.ts'
import { difference } from './compare-json.ts'
import type { SocketCase, SocketEvent } from './load-socket-cases.ts'
import { everyRole, runStep, type Target } from './run-case.ts'

export interface SocketTarget extends Target {
  /** Milliseconds between two looks of a live query; Hasura's default is a second. */
  readonly refetchMs: number
}

/** How long something that has to come is waited for. */
const patienceMs = 10_000

/** Runs a case on a socket of its own; gives what differs, in words, or undefined. */
export async function runSocketCase(testCase: SocketCase, target: SocketTarget): Promise<string | undefined> {
  const failures: string[] = []
  const url = target.url.replace(/^http/, 'ws')
  const socket = new WebSocket(url, testCase.protocol ?? 'graphql-transport-ws')
  try {
    await once(socket, 'open')
    const inbox = collect(socket)
    for (const [index, event] of testCase.events.entries()) {
      const failure = await happen(event, socket, inbox, target)
      if (failure === undefined) continue
      failures.push(`event ${index + 1}: ${failure}`)
      break
    }
  } catch (error) {
    failures.push(`the socket failed: ${String(error)}`)
  } finally {
    socket.terminate()
  }
  for (const step of testCase.after) {
    failures.push(...(await runStep('after', step, target).catch(error => [`after: ${String(error)}`])))
  }
  return failures.length === 0 ? undefined : failures.join('\n    ')
}

interface Inbox {
  readonly messages: Json[]
  readonly keepAlives: Json[]
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  /** Resolves when something has come since, or after so many milliseconds. */
  wait(ms: number): Promise<unknown>
}

function collect(socket: WebSocket): Inbox {
  const messages: Json[] = []
  const keepAlives: Json[] = []
  let arrived = Promise.withResolvers<void>()
  socket.on('message', data => {
    const message = parseJson(String(data))
    const type = isJsonObject(message) ? message.type : undefined
    if (type === 'ping' || type === 'ka') keepAlives.push(message)
    else messages.push(message)
    arrived.resolve()
    arrived = Promise.withResolvers()
  })
  const closed = new Promise<{ code: number; reason: string }>(resolve =>
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
  )
  return { messages, keepAlives, closed, wait: ms => Promise.race([arrived.promise, closed, sleep(ms, 'silence')]) }
}

async function happen(
  event: SocketEvent,
  socket: WebSocket,
  inbox: Inbox,
  target: SocketTarget,
): Promise<string | undefined> {
  if ('send' in event) {
    socket.send(typeof event.send === 'string' ? event.send : stringifyJson(event.send))
    return undefined
  }
  if ('init' in event) {
    socket.send(stringifyJson({ type: 'connection_init', payload: { headers: await headersOf(event.init, target) } }))
    return undefined
  }
  if ('request' in event) return (await runStep('request', event.request, target))[0]
  if ('receive' in event) return expectNext(inbox, inbox.messages, event.receive)
  if ('keepAlive' in event) return expectNext(inbox, inbox.keepAlives, event.keepAlive)
  if ('silent' in event) {
    await sleep(2.5 * target.refetchMs)
    const [message] = inbox.messages
    return message === undefined ? undefined : `came: ${stringifyJson(message)}`
  }
  const closed = await Promise.race([inbox.closed, sleep(patienceMs)])
  if (!closed) return 'it was not closed'
  const { code, reason } = event.closed
  if (closed.code !== code) return `closed with ${closed.code} (${closed.reason}), expected ${code}`
  return reason === undefined ? undefined : difference(closed.reason, reason)
}

async function expectNext(inbox: Inbox, from: Json[], expected: Json): Promise<string | undefined> {
  const deadline = Date.now() + patienceMs
  while (from.length === 0) {
    if (Date.now() >= deadline) return `nothing came, expected ${stringifyJson(expected)}`
    await inbox.wait(deadline - Date.now())
    if (from.length === 0 && (await Promise.race([inbox.closed.then(() => true), sleep(0, false)]))) {
      return `it was closed, expected ${stringifyJson(expected)}`
    }
  }
  const message = from.shift() ?? null
  const found = difference(message, expected)
  return found === undefined ? undefined : `${found}\n    came ${stringifyJson(message)}`
}

async function headersOf(
  { role, expired, lifetimeSeconds }: Extract<SocketEvent, { init: unknown }>['init'],
  { jwtSecret }: Target,
): Promise<Record<string, string>> {
  const now = Math.floor(Date.now() / 1_000)
  const times = expired ? { iat: now - 120, exp: now - 60 } : lifetimeSeconds ? { exp: now + lifetimeSeconds } : {}
  const authorization = `Bearer ${await signToken({ ...everyRole, ...times }, jwtSecret)}`
  return { authorization, ...(role !== undefined && { 'x-hasura-role': role }) }
}
