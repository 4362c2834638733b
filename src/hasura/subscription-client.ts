import { print } from 'graphql'
import { createClient } from 'graphql-ws'
import { z } from 'zod'
import type { Token } from '../auth/token.ts'
import type { TokenSource } from '../auth/token-source.ts'
import { TransientError, type WorkerError } from '../errors.ts'
import { keepDigits } from '../json/exact-numbers.ts'
import type { ApiTry } from '../observer/observer.ts'
import type { Slots } from '../outgoing/slots.ts'
import { createWebSocketClass, type Handshake } from '../outgoing/web-socket.ts'
import type { Clock } from '../time/clock.ts'
import type { KnownSecrets } from '../words/known-secrets.ts'
import type { UntypedDocument } from './derive-documents.ts'
import { findDocumentRoot } from './document-root.ts'
import { explainClosed } from './explain-closed.ts'
import { createHasuraSocketClass } from './hasura-socket.ts'
import { interpretResponse } from './interpret-response.ts'

/** Opens connections for subscriptions to one Hasura as one role. */
export interface SubscriptionClient {
  readonly role: string
  /**
   * Opens a connection with the account's current token. It takes one of the account's slots until the server has acknowledged it.
   *
   * @throws TransientError (`network`, `upgrade`, `forbidden`, `protocol`, `closed`), what the token source throws, the signal's reason
   */
  connect(signal: AbortSignal): Promise<Connection>
}

export interface Connection {
  /** Its token's, in milliseconds since 1970: the server closes it then. */
  readonly expiresAt: number
  /** Resolves with the reason when it has ended, whoever ended it. */
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
   * @param isOver nothing more will come of it
   */
  fail(error: WorkerError, isOver: boolean): void
}

const acknowledgedWithinMs = 10_000
/** Milliseconds between two questions whether the server is still there, and how long the answer may take. */
const pingEveryMs = 10_000
const pongWithinMs = 10_000

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
    const startedAt = clock.now()
    const told = (outcome: ApiTry['outcome']) =>
      tell?.({ operation: 'subscribe', outcome, durationMs: clock.now() - startedAt })
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
        // Perhaps the role was granted since, or the token has been revoked.
        if (error.code === 'forbidden') tokens.drop(token)
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
  const handshake: Handshake = { status: undefined, failure: undefined, socket: undefined }
  const acknowledged = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<WorkerError>()
  const silence = new AbortController()
  const Socket = createWebSocketClass(handshake)
  let hasOpened = false

  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: createHasuraSocketClass(Socket, isLegacy ? 'graphql-ws' : 'graphql-transport-ws'),
    // One connection, opened now: whoever keeps it decides about another.
    lazy: false,
    retryAttempts: 0,
    onNonLazyError: () => {},
    keepAlive: pingEveryMs,
    connectionAckWaitTimeout: acknowledgedWithinMs,
    connectionParams: {
      headers: { authorization: `Bearer ${token.value}`, 'x-hasura-role': role },
    },
    jsonMessageReviver: keepDigits,
    on: {
      opened: () => {
        hasOpened = true
      },
      connected: () => acknowledged.resolve(),
      ping: isReceived => {
        if (!isReceived) expectPong()
      },
      pong: () => pongs.abort(),
      error: end,
      closed: end,
    },
  })

  let pongs = new AbortController()
  function expectPong(): void {
    pongs.abort()
    pongs = new AbortController()
    const waited = clock.sleep(pongWithinMs, AbortSignal.any([pongs.signal, silence.signal]))
    waited.then(client.terminate, () => {})
  }

  function end(event: unknown): void {
    silence.abort()
    if (!hasOpened) handshake.socket?.destroy()
    const error = explainClosed(event, { url, role, handshake, hasOpened, secrets: secrets() })
    closed.resolve(error)
    acknowledged.reject(error)
  }

  const onAbort = () => client.terminate()
  signal.addEventListener('abort', onAbort, { once: true })
  const opening = new AbortController()
  const deadline = AbortSignal.any([opening.signal, silence.signal])
  clock.sleep(2 * acknowledgedWithinMs, deadline).then(client.terminate, () => {})
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
      silence.abort()
      void client.dispose()
    },
    subscribe(document, variables, sink) {
      // The library would open another connection.
      if (silence.signal.aborted) return () => {}
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
          // The end of the connection is told once.
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
  data: z.unknown(),
  errors: z
    .array(z.unknown())
    .nullish()
    .transform(list => list ?? []),
})

/** As the same errors of a query over HTTP. */
function explainErrors(errors: readonly unknown[], role: string, secrets: readonly string[]): WorkerError {
  const body = Buffer.from(JSON.stringify({ errors }))
  const verdict = interpretResponse({ status: 200, headers: new Headers(), body, secrets }, 'query', role)
  if (verdict.kind === 'error') return verdict.error
  return new TransientError('forbidden', `Hasura refused a subscription as role "${role}"`)
}
