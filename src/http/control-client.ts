import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import {
  ConflictError,
  NotFoundError,
  PermanentError,
  RefusalError,
  refusalCodes,
  TransientError,
  UsageError,
} from '../errors.ts'
import { requestStates } from '../store/schema.ts'
import type { Clock } from '../time/clock.ts'
import { readTold, runEventSchema, toldSchema } from './control-events.ts'
import { requireKey } from './idempotency.ts'
import {
  accountReportSchema,
  holdReportSchema,
  jobReportSchema,
  mirrorRowsReportSchema,
  type Operations,
  requestReportSchema,
  requestSummarySchema,
  runReportSchema,
  scheduleReportSchema,
} from './operations.ts'

const stateSchema = z.object({ state: z.enum(requestStates) })
const acceptedSchema = z.object({ id: z.string(), absorbed: z.boolean() })
const errorSchema = z.object({ code: z.string(), ...toldSchema.shape })

/** Looks in so many pauses, of this many milliseconds each, whether the owner has come so far as to answer. */
const looks = 20
const lookEveryMs = 500

/**
 * Waits for the owner of the embedded database: one that is still starting, or a short command that is about to end.
 *
 * @returns whether it answers; false when it has ended
 * @throws TransientError when it is a command in the foreground, which answers nobody
 */
export async function waitForOwner(socketPath: string, clock: Clock, signal: AbortSignal): Promise<boolean> {
  for (let look = 1; ; look++) {
    try {
      await send(socketPath, 'GET', '/ping', undefined, {}, signal).then(response => response.resume())
      return true
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      if (error.code === 'owner-gone') return false
      if (error.code !== 'busy') return true
      if (look === looks) throw busyForLong()
    }
    await clock.sleep(lookEveryMs, signal)
  }
}

function busyForLong(): TransientError {
  return new TransientError('busy', {
    found: `Another command has had the embedded database in DATA_DIR for ${(looks * lookEveryMs) / 1000} s`,
    remedy: 'try again when it has ended, or leave runs to a worker, which commands can share',
  })
}

/** The operations of the process that owns the embedded database, through its control socket. */
export function createControlClient(socketPath: string): Operations {
  const call = async <T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    body?: unknown,
    headers = {},
  ): Promise<T> => {
    const response = await send(socketPath, method, path, body, headers)
    return schema.parse(JSON.parse(await text(response)))
  }
  return {
    async makeRequest({ job, account, payload, priority, trigger, idempotencyKey }) {
      if (idempotencyKey !== undefined) requireKey(idempotencyKey)
      const key = idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }
      const headers = { 'x-trigger': trigger, ...key }
      const body = { account, payload, priority }
      return call('POST', `/jobs/${encodeURIComponent(job)}/requests`, acceptedSchema, body, headers)
    },
    async findRequest(id) {
      try {
        return await call('GET', `/requests/${encodeURIComponent(id)}`, requestReportSchema)
      } catch (error) {
        if (error instanceof NotFoundError) return undefined
        throw error
      }
    },
    listRequests({ state, job, account, limit }) {
      const query = new URLSearchParams({
        limit: String(limit),
        ...(state !== undefined && { state }),
        ...(job !== undefined && { job }),
        ...(account !== undefined && { account }),
      })
      return call('GET', `/requests?${query}`, z.array(requestSummarySchema))
    },
    findRequestIds: group => call('POST', '/requests/find', z.array(z.string()), group),
    cancelRequest: id =>
      call('POST', `/requests/${encodeURIComponent(id)}/cancel`, stateSchema, {}).then(({ state }) => state),
    retryRequest: id => call('POST', `/requests/${encodeURIComponent(id)}/retry`, acceptedSchema, {}),
    async run(wanted, listener, signal) {
      const { job, ...body } = wanted
      const response = await send(socketPath, 'POST', `/jobs/${encodeURIComponent(job)}/runs`, body, {}, signal)
      for await (const line of createInterface({ input: response })) {
        const event = runEventSchema.parse(JSON.parse(line))
        if (event.type === 'waiting') listener.onWaiting()
        else if (event.type === 'progress') listener.onProgress(event.progress)
        else if (event.type === 'error') throw rebuildRunError(event)
        else
          return {
            from: event.result.from,
            to: event.result.to,
            ...(event.result.counts && { counts: event.result.counts }),
          }
      }
      signal.throwIfAborted()
      throw new TransientError('control', 'The worker ended before the run did; the run is recorded as interrupted')
    },
    listJobs: () => call('GET', '/jobs', z.array(jobReportSchema)),
    listAccounts: () => call('GET', '/accounts', z.array(accountReportSchema)),
    listRuns({ job, limit }) {
      const query = new URLSearchParams({ limit: String(limit), ...(job !== undefined && { job }) })
      return call('GET', `/runs?${query}`, z.array(runReportSchema))
    },
    listMirrorRows({ table, account, limit }) {
      const query = new URLSearchParams({ table, limit: String(limit), ...(account !== undefined && { account }) })
      return call('GET', `/rows?${query}`, mirrorRowsReportSchema)
    },
    listHolds: () => call('GET', '/holds', z.array(holdReportSchema)),
    listSchedules: () => call('GET', '/schedules', z.array(scheduleReportSchema)),
    pauseSchedule: ({ job, account, paused }) =>
      call('POST', `/jobs/${encodeURIComponent(job)}/schedule`, scheduleReportSchema, { account, paused }),
    async reset(job, account) {
      await call('POST', `/jobs/${encodeURIComponent(job)}/reset`, z.object({}), { account })
    },
    async forget(account, options) {
      await call('POST', `/accounts/${encodeURIComponent(account)}/forget`, z.object({}), options)
    },
    async hasWorker() {
      return (await call('GET', '/worker', z.object({ isRunning: z.boolean() }))).isRunning
    },
    async ping() {
      await call('GET', '/ping', z.object({}))
    },
  }
}

async function send(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const content = body === undefined ? undefined : JSON.stringify(body)
  const request = httpRequest({
    socketPath,
    method,
    path,
    headers: { ...headers, ...(content !== undefined && { 'content-type': 'application/json' }) },
    ...(signal && { signal }),
  })
  request.end(content)
  const response = await readHead(request, signal)
  const status = response.statusCode ?? 500
  if (status < 400) return response
  throw rebuildError(status, errorSchema.parse(JSON.parse(await text(response))))
}

async function readHead(request: ClientRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
  try {
    const [response]: IncomingMessage[] = await once(request, 'response')
    if (response) return response
  } catch (error) {
    signal?.throwIfAborted()
    throw new TransientError(
      'owner-gone',
      { found: 'The process that owned DATA_DIR ended before it answered', remedy: 'try again' },
      {
        cause: error,
      },
    )
  }
  throw new TypeError('a response without a response')
}

function rebuildError(status: number, error: z.infer<typeof errorSchema>): Error {
  const { code } = error
  const told = readTold(error)
  if (status === 404) return new NotFoundError(told)
  if (status === 409) return new ConflictError(told)
  if (status < 500) return new UsageError(told)
  return new TransientError(code, told)
}

const refusalCode = z.enum(refusalCodes).catch('claims')

/** What ended a run is thrown here as it was thrown there, so that the exit code is the same. */
function rebuildRunError(event: Extract<z.infer<typeof runEventSchema>, { type: 'error' }>): Error {
  const { kind, code } = event
  const told = readTold(event)
  if (kind === RefusalError.name) return new RefusalError(refusalCode.parse(code), 'account', told)
  if (kind === UsageError.name) return new UsageError(told)
  if (kind === NotFoundError.name) return new NotFoundError(told)
  return kind === PermanentError.name ? new PermanentError(code, told) : new TransientError(code, told)
}
