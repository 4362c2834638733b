import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { print } from 'graphql'
import { createClient } from 'graphql-ws'
import { z } from 'zod'
import type { Token } from '../auth/token.ts'
import type { TokenSource } from '../auth/token-source.ts'
import { RateLimitedError, TransientError, WorkerError } from '../errors.ts'
import { keepDigits } from '../json/exact-numbers.ts'
import type { ApiTry } from '../observer/observer.ts'
import type { Slots } from '../outgoing/slots.ts'
import { createWebSocketClass, type Handshake } from '../outgoing/web-socket.ts'
import type { Clock } from '../time/clock.ts'
import type { KnownSecrets } from '../words/known-secrets.ts'
import type { UntypedDocument } from './derive-documents.ts'
import { findDocumentRoot } from './document-root.ts'
import { explainClosed } from './explain-closed.ts'
import { createHasuraSocketClass, type Pulse } from './hasura-socket.ts'
import { interpretResponse } from './interpret-response.ts'

/** Opens connections for subscriptions to one Hasura as one role. */
export interface SubscriptionClient {
  readonly role: string
  /**
   * Opens a connection with the account's current token. It uses one of the account's slots until the server has acknowledged it.
   *
   * @throws TransientError (`network`, `upgrade`, `forbidden`, `protocol`, `timeout`, `closed`), RateLimitedError, OutageError, what the
   * token source throws, the signal's reason
   */
  connect(signal: AbortSignal): Promise<Connection>
}

export interface Connection {
  /** When its token expires, in milliseconds since 1970: the server then closes the connection. */
  readonly expiresAt: number
  /** Resolves with the reason when either side has ended it. */
  readonly closed: Promise<WorkerError>
  /** @returns ends the subscription */
  subscribe(document: UntypedDocument, variables: Readonly<Record<string, unknown>>, sink: Sink): () => void
  close(): void
}

export interface Sink {
  /** A payload's data; its numbers keep their digits. */
  next(data: unknown): void
  /**
   * The server refused the subscription, ended it, or couldn't answer it this time.
   *
   * @param isOver whether the subscription has ended
   */
  fail(error: WorkerError, isOver: boolean): void
}

/** How long the server may take to accept a connection and to acknowledge it, in milliseconds. */
const openWithinMs = 20_000
/** How often the server is asked whether it is still there, in milliseconds. It has to say something until the next time. */
const askEveryMs = 10_000

/** @param deps.url complete URL of the GraphQL endpoint, with `http` or `https` */
export function createSubscriptionClient(deps: {
  readonly url: string
  readonly role: string
  readonly tokens: TokenSource
  readonly clock: Clock
  readonly slots: Slots
  readonly secrets: KnownSecrets
  readonly tell?: (tried: Omit<ApiTry, 'api'>) => void
}): SubscriptionClient {
  const { role, tokens, clock, slots, tell } = deps
  let isLegacy = false

  async function tryOnce(token: Token, signal: AbortSignal): Promise<Connection> {
    const startedAt = clock.elapsed()
    const told = (outcome: ApiTry['outcome']) =>
      tell?.({ operation: 'subscribe', outcome, durationMs: clock.elapsed() - startedAt })
    try {
      const connection = await slots(() => open({ ...deps, isLegacy }, token, signal))
      told('done')
      return connection
    } catch (error) {
      told(error instanceof TransientError && error.code === 'forbidden' ? 'token-rejected' : 'failed')
      throw error
    }
  }

  return {
    role,
    async connect(signal) {
      const token = await tokens.get(signal)
      try {
        return await tryOnce(token, signal)
      } catch (error) {
        if (!(error instanceof TransientError)) throw error
        // The role may have been granted meanwhile, or the token revoked.
        if (error.code === 'forbidden') await tokens.replace(token, signal).catch(() => {})
        if (error.code !== 'protocol') throw error
        isLegacy = !isLegacy
        return await tryOnce(token, signal)
      }
    },
  }
}

async function open(
  deps: Parameters<typeof createSubscriptionClient>[0] & { readonly isLegacy: boolean },
  token: Token,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted()
  const { url, role, clock, isLegacy } = deps
  const secrets = () => [token.value, ...deps.secrets.all()]
  const handshake: Handshake = { status: undefined, headers: new Headers(), failure: undefined, socket: undefined }
  const pulse: Pulse = { ask() {} }
  const acknowledged = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<WorkerError>()
  const ended = new AbortController()
  const WebSocket = createWebSocketClass(handshake)
  let hasOpened = false

  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: createHasuraSocketClass(WebSocket, isLegacy ? 'graphql-ws' : 'graphql-transport-ws', pulse),
    // One connection, opened now: its owner decides whether to open another.
    lazy: false,
    retryAttempts: 0,
    onNonLazyError: () => {},
    connectionParams: {
      headers: { authorization: `Bearer ${token.value}`, 'x-hasura-role': role },
    },
    jsonMessageReviver: keepDigits,
    on: {
      opened: () => {
        hasOpened = true
      },
      connected: () => acknowledged.resolve(),
      error: end,
      closed: end,
    },
  })

  function end(event: unknown): void {
    if (ended.signal.aborted) return
    ended.abort()
    const facts = { url, role, handshake, hasOpened, secrets: secrets(), now: clock.now() }
    const error = event instanceof WorkerError ? event : explainClosed(event, facts)
    closed.resolve(error)
    acknowledged.reject(error)
    void dispose()
    // After the close frame, which a server that is gone would never answer.
    setImmediate(() => handshake.socket?.end(() => handshake.socket?.destroy()))
  }

  /** Until then the library opens another connection, at once and for ever, after each that the server closes with code 1000. */
  async function dispose(): Promise<void> {
    try {
      await client.dispose()
    } catch {
      // Of a connection that never opened.
    }
  }

  function giveUp(found: string): void {
    end(
      new TransientError('timeout', { found, remedy: 'look at Hasura, and at the network and the proxies on the way' }),
    )
    client.terminate()
  }

  async function watch(): Promise<void> {
    const { host } = new URL(url)
    await clock.sleep(openWithinMs, AbortSignal.any([opening.signal, ended.signal])).then(
      () =>
        giveUp(
          `${host} ${hasOpened ? 'did not acknowledge' : 'did not open'} a WebSocket within ${openWithinMs / 1_000} s`,
        ),
      () => {},
    )
    while (!ended.signal.aborted) {
      const heardBefore = bytesRead(handshake.socket)
      pulse.ask()
      await clock.sleep(askEveryMs, ended.signal).catch(() => {})
      if (!ended.signal.aborted && bytesRead(handshake.socket) === heardBefore)
        giveUp(`The WebSocket to ${host} has been silent for ${askEveryMs / 1_000} s`)
    }
  }

  const opening = new AbortController()
  const onAbort = () => client.terminate()
  signal.addEventListener('abort', onAbort, { once: true })
  void watch()
  try {
    await acknowledged.promise
    signal.throwIfAborted()
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    opening.abort()
  }
  return {
    expiresAt: token.expiresAt,
    closed: closed.promise,
    close() {
      void dispose().then(() => end(undefined))
    },
    subscribe(document, variables, sink) {
      // The library would open another connection.
      if (ended.signal.aborted) return () => {}
      let isOver = false
      const operation = {
        query: print(document),
        variables: { ...variables },
        operationName: findDocumentRoot(document)?.name?.value ?? null,
      }
      const stop = client.subscribe(operation, {
        next(result) {
          const { errors, data } = resultSchema.parse(result)
          if (errors.length > 0) sink.fail(explainErrors(errors, role, secrets()), false)
          else sink.next(data)
        },
        error(error) {
          // The end of the connection is reported once.
          if (isOver || !Array.isArray(error)) return
          isOver = true
          sink.fail(explainErrors(error, role, secrets()), true)
        },
        complete() {
          if (isOver) return
          isOver = true
          sink.fail(new TransientError('closed', 'Hasura ended a subscription without a reason'), true)
        },
      })
      return () => {
        isOver = true
        stop()
      }
    },
  }
}

const resultSchema = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(z.unknown())
    .nullish()
    .transform(list => list ?? []),
})

/** A pong frame is no message, so what counts is that anything has come. */
function bytesRead(socket: Duplex | undefined): number {
  return socket instanceof Socket ? socket.bytesRead : 0
}

/** The same errors as for a query over HTTP. */
function explainErrors(errors: readonly unknown[], role: string, secrets: readonly string[]): WorkerError {
  const body = Buffer.from(JSON.stringify({ errors }))
  const verdict = interpretResponse({ status: 200, headers: new Headers(), body, secrets }, 'query', role)
  if (verdict.kind === 'error') return verdict.error
  if (verdict.kind === 'rate-limited') {
    return new RateLimitedError('Hasura limits the rate of requests', verdict.retryAfterMs)
  }
  return new TransientError('forbidden', `Hasura refused a subscription as role "${role}"`)
}
