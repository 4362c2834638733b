import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { TransientError, UsageError } from '../errors.ts'
import { parseKeepingDigits } from '../json/exact-numbers.ts'
import type { Log } from '../log.ts'
import { parseTraceHeaders, type TraceHeaders } from '../observer/trace-headers.ts'
import { receiveCron, receiveEvent } from '../operations/hasura-triggers.ts'
import type { Operations } from '../operations/registry.ts'
import { parseValue } from '../operations/values.ts'
import { toProblem } from '../problem.ts'
import { type Clock, settlesWithin, systemClock } from '../time/clock.ts'
import type { Refusal } from './authorize.ts'
import { type HttpLimits, refuseUnread } from './create-fastify.ts'
import type { KnowsHookSecret } from './hook-secret.ts'
import { routeOf } from './operation-route.ts'
import { createRefusalLog } from './refusal-log.ts'

/** The header with the secret of Hasura's triggers. */
export const secretHeader = 'x-hook-secret'
/** The row before and after a change, each with the largest size that is useful in an event. */
const eventBytes = 8 * 1024 * 1024
/** Milliseconds: Hasura gives up after 60 s by default, and retries if configured. */
const answerWithinMs = 10_000

export const hookQuery = z.strictObject({ account: z.string().optional() })
const isObject = z.record(z.string(), z.unknown())

/**
 * `POST /hooks/hasura/events` and `/hooks/hasura/cron`, for triggers with the secret. For Hasura 2xx means delivered. It retries anything else as often as the trigger's `retry_conf` says, and a response with `Retry-After` regardless of it.
 */
export function addHookRoutes(
  app: FastifyInstance,
  deps: {
    readonly operations: Pick<Operations, 'receiveEvent' | 'receiveCron'>
    /** Undefined: nobody is let in. */
    readonly knowsSecret: KnowsHookSecret | undefined
    readonly log: Log
    readonly limits: HttpLimits
    readonly clock?: Clock
  },
): void {
  const { operations, knowsSecret, log, limits, clock = systemClock } = deps
  const logRefusal = createRefusalLog(log, clock)

  app.addHook('onRequest', async (request, reply) => {
    const refusal = await findRefusal(request, knowsSecret)
    if (!refusal) return
    logRefusal({ allowed: false, ...refusal }, request.routeOptions.url)
    await refuseUnread(request, reply, limits, toProblem(refusal.status, 'unauthorized', refusal))
  })

  app.register(async scope => {
    // The event is a hint, and its rows may contain what callers may not send elsewhere: it is read with all digits, and not
    // validated.
    scope.removeContentTypeParser('application/json')
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: eventBytes },
      async (_request: FastifyRequest, body: Buffer) => parseEvent(body),
    )
    add(scope, receiveEvent.route, (given, call) =>
      operations.receiveEvent(parseValue(receiveEvent.input, given, 'event'), call),
    )
  })
  add(app, receiveCron.route, (given, call) =>
    operations.receiveCron(parseValue(receiveCron.input, given, 'event'), call),
  )

  function add(
    scope: FastifyInstance,
    route: typeof receiveEvent.route,
    ask: (given: object, call: { readonly trace: TraceHeaders | undefined }) => Promise<Answer>,
  ): void {
    const { method, path } = routeOf({ route })
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const { account } = parseValue(hookQuery, request.query, 'query')
      const body = parseValue(isObject, request.body, 'body')
      const asked = ask({ ...body, account }, { trace: parseTraceHeaders(request.headers) })
      if (!(await settlesWithin(clock, answerWithinMs, asked))) throw tooSlow()
      const { requests } = await asked
      return reply.code(requests.length > 0 ? 202 : 200).send({ requests })
    }
    scope.route({ method, url: path, handler, bodyLimit: scope === app ? limits.bodyBytes : eventBytes })
  }
}

type Answer = Awaited<ReturnType<Operations['receiveEvent']>>

async function findRefusal(
  { headers }: FastifyRequest,
  knowsSecret: KnowsHookSecret | undefined,
): Promise<Pick<Refusal, 'status' | 'found' | 'remedy'> | undefined> {
  if (!knowsSecret) {
    return { status: 403, found: 'Hooks are off', remedy: 'set HOOK_SECRET_FILE to the secret that Hasura sends' }
  }
  const shown = headers[secretHeader]
  if (await knowsSecret(typeof shown === 'string' ? shown : undefined)) return undefined
  return { status: 401, found: `The header ${secretHeader} does not have the secret of HOOK_SECRET_FILE` }
}

function parseEvent(body: Buffer): unknown {
  try {
    return parseKeepingDigits(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw new UsageError('The body is not JSON in UTF-8')
  }
}

/** The requests may still be accepted; if the event is sent again, it is recognized by its id. */
function tooSlow(): TransientError {
  return new TransientError('store', {
    found: `The store did not accept the event within ${answerWithinMs / 1_000} s`,
    remedy: 'send it again',
  })
}
