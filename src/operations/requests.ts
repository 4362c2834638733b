import { sql } from 'kysely'
import { z } from 'zod'
import { ConflictError, NotFoundError, UsageError } from '../errors.ts'
import { cancelRequest as cancel, requestRun } from '../runs/requests.ts'
import { priorities, requestStates, triggers } from '../states.ts'
import { isOwn } from './bound-caller.ts'
import { requireKey } from './idempotency.ts'
import { defineOperation, type OperationDeps } from './operation.ts'
import { pageInput } from './pages.ts'
import { type EndedRequest, recordRepeated, repeatRequest } from './repeat-request.ts'
import { findRequest, listRequests as list, requestReportSchema, requestSummarySchema } from './request-reports.ts'
import { checkFound, resolve } from './resolve.ts'
import { limitValue, lineFilter, nameValue } from './values.ts'

const acceptedSchema = z.object({
  id: z.string(),
  /** True if an equal request was already waiting: nothing was added. A known key gets the first response again. */
  absorbed: z.boolean(),
})

export const makeRequest = defineOperation({
  route: 'POST /jobs/:job/requests',
  roles: ['request'],
  input: z.strictObject({
    job: nameValue,
    account: nameValue.optional(),
    payload: z.unknown().optional(),
    priority: z.enum(priorities).optional(),
    /** The origin of the request; `http` for an HTTP caller. */
    trigger: z.enum(triggers).default('cli'),
    /** Whose idempotency key it is; each HTTP caller has its own keys. */
    caller: z.string().default('cli'),
    idempotencyKey: z.string().optional(),
  }),
  output: acceptedSchema,
  async run({ deps }, wanted, call) {
    const { priority, idempotencyKey } = wanted
    if (idempotencyKey !== undefined) requireKey(idempotencyKey)
    const { job, access, payload } = resolve(deps, wanted)
    const { id, saidAbsorbed, conflict } = await requestRun(deps, {
      account: access.account.name,
      job: job.name,
      payload,
      trigger: call.caller === undefined ? wanted.trigger : 'http',
      caller: call.caller ?? wanted.caller,
      priority,
      idempotencyKey,
      waitsForKey: call.caller === undefined,
      trace: call.trace,
    })
    if (conflict) {
      throw new ConflictError({
        found: `Idempotency key "${idempotencyKey}" was used for ${job.name} with another payload`,
        remedy: 'use another key for each request',
      })
    }
    return { id, absorbed: saidAbsorbed }
  },
})

export type WantedRequest = z.input<typeof makeRequest.input>

/** Seconds: the longest wait for one response. */
export const longestWaitSeconds = 60

/** One request, with its latest runs. */
export const getRequest = defineOperation({
  route: 'GET /requests/:id',
  roles: ['request', 'view'],
  input: z.object({
    id: nameValue,
    /** Responds when the request has ended, or after this time at the latest. Over HTTP: `Prefer: wait=N`. */
    waitSeconds: z.coerce.number<number>().min(0).max(longestWaitSeconds).default(0),
  }),
  output: requestReportSchema,
  async run(app, { id, waitSeconds }, { signal }) {
    const now = await findRequest(app, id)
    if (!now) throw noRequest(id)
    if (now.endedAt !== null || waitSeconds === 0) return now
    await app.ends.wait(now.id, waitSeconds * 1_000, signal)
    const then = await findRequest(app, id)
    if (!then) throw noRequest(id)
    return then
  },
})

/** Newest first. */
export const listRequests = defineOperation({
  route: 'GET /requests',
  roles: ['view'],
  input: z.object({
    ...pageInput,
    state: z.enum(requestStates).optional(),
    ...lineFilter,
    limit: limitValue,
  }),
  output: z.array(requestSummarySchema),
  cursor: ['seq'],
  run: async (app, filter) => checkFound(app.deps, filter, await list(app, filter)),
})

/**
 * Cancels a waiting request, for everyone whose request it has absorbed, or asks a running one to stop. Resolves to the resulting
 * state: a running request ends a moment later.
 */
export const cancelRequest = defineOperation({
  route: 'POST /requests/:id/cancel',
  roles: ['operate'],
  input: z.object({ id: nameValue }),
  output: z.object({ state: z.enum(requestStates) }),
  async run(app, { id }) {
    await requireRequest(app, id)
    const state = await cancel(app.deps.store, id)
    if (state === undefined) throw noRequest(id)
    return { state }
  },
})

/** Repeats a request that has ended. UsageError if it hasn't, if it was a foreground run, or if its repetition has started. */
export const retryRequest = defineOperation({
  route: 'POST /requests/:id/retry',
  roles: ['operate'],
  input: z.object({ id: nameValue }),
  output: acceptedSchema,
  async run(app, { id }, { caller = '', trace }) {
    const { state, isForeground, repeatedBy, repeatedState, ...ended } = await requireRequest(app, id)
    if (isForeground) {
      throw new UsageError({
        found: `Request ${id} was a run in the foreground, which no worker can repeat`,
        remedy: `run "npm run -s cli -- run ${ended.job}" again, or make a request with "npm run -s cli -- enqueue ${ended.job}"`,
      })
    }
    if (state === 'waiting' || state === 'running') {
      throw new UsageError({
        found: `Request ${id} is ${state}`,
        remedy: 'only a request that has ended can be repeated',
      })
    }
    if (repeatedBy !== null && repeatedState === 'waiting') return { id: repeatedBy, absorbed: true }
    if (repeatedBy !== null && repeatedState !== null) {
      throw new UsageError({
        found: `Request ${id} was already repeated by request ${repeatedBy}, which is ${repeatedState}`,
        remedy:
          repeatedState === 'running'
            ? 'repeat that one, once it has ended'
            : `to repeat that one, run "npm run -s cli -- retry ${repeatedBy}"`,
      })
    }
    const made = await repeatRequest(app.deps, ended, { caller, trace })
    await recordRepeated(app.deps, [{ id: ended.id, request: made.id }])
    return { id: made.id, absorbed: made.absorbed }
  },
})

interface KnownRequest extends EndedRequest {
  readonly state: string
  readonly isForeground: boolean
  /** The request that repeats it, and the state of that one; null if there is none, or none any more. */
  readonly repeatedBy: string | null
  readonly repeatedState: string | null
}

/** @throws NotFoundError if the caller has no request with this id */
async function requireRequest(app: OperationDeps, id: string): Promise<KnownRequest> {
  const { rows } = await sql<KnownRequest>`
    select r.id, r.account, r.job, r.payload, r.error_code as "errorCode", r.state, r.reserved_for is not null as "isForeground",
      again.id as "repeatedBy", again.state as "repeatedState"
    from worker.requests r left join worker.requests again on again.id = worker.successor(r.superseded_by)
    where r.id = worker.successor(${id}) and ${isOwn(sql`r.account`, app)}`.execute(app.deps.store)
  const [row] = rows
  if (!row) throw noRequest(id)
  return row
}

function noRequest(id: string): NotFoundError {
  return new NotFoundError({
    found: `There is no request "${id}"`,
    remedy: 'requests that are done are kept for 7 days, failed ones for 30',
  })
}
