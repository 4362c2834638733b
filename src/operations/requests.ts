import { sql } from 'kysely'
import { z } from 'zod'
import { ConflictError, NotFoundError, UsageError } from '../errors.ts'
import { cancelRequest as cancel, requestRun } from '../runs/requests.ts'
import { priorities, requestStates, triggers } from '../states.ts'
import { requireKey } from './idempotency.ts'
import { defineOperation } from './operation.ts'
import {
  findRequestIds as findIds,
  findRequest,
  listRequests as list,
  requestReportSchema,
  requestSummarySchema,
} from './request-reports.ts'
import { requireNames, resolve } from './resolve.ts'
import { limitValue, nameValue } from './values.ts'

const acceptedSchema = z.object({
  id: z.string(),
  /** True when an equal request was already waiting, or when its key was known: nothing was added. */
  absorbed: z.boolean(),
})

export const makeRequest = defineOperation({
  route: 'POST /jobs/:job/requests',
  isPublic: true,
  input: z.strictObject({
    job: nameValue,
    account: nameValue.optional(),
    payload: z.unknown().optional(),
    priority: z.enum(priorities).optional(),
    /** What made the request; over HTTP the door says it. */
    trigger: z.enum(triggers).default('cli'),
    /** Whose idempotency key it is; over HTTP the door says it. */
    caller: z.string().default('cli'),
    idempotencyKey: z.string().optional(),
  }),
  output: acceptedSchema,
  async run({ deps }, wanted) {
    const { trigger, caller, priority, idempotencyKey } = wanted
    if (idempotencyKey !== undefined) requireKey(idempotencyKey)
    const { job, access, payload } = resolve(deps, wanted)
    const { accepted, conflict } = await requestRun(deps, {
      account: access.account.name,
      job: job.name,
      payload,
      trigger,
      caller,
      priority,
      idempotencyKey,
    })
    if (conflict) {
      throw new ConflictError({
        found: `Idempotency key "${idempotencyKey}" was used for ${job.name} with another payload`,
        remedy: 'give each request its own key',
      })
    }
    return accepted
  },
})

export type WantedRequest = z.input<typeof makeRequest.input>

/** Seconds: no caller waits longer for one answer. */
export const longestWaitSeconds = 60

/** One request, with its latest runs. */
export const getRequest = defineOperation({
  route: 'GET /requests/:id',
  isPublic: true,
  input: z.object({
    id: nameValue,
    /** Answers when the request has ended, and after so long at the latest. Over HTTP: `Prefer: wait=N`. */
    waitSeconds: z.coerce.number<number>().min(0).max(longestWaitSeconds).default(0),
  }),
  output: requestReportSchema,
  async run({ deps, ends }, { id, waitSeconds }, { signal }) {
    const now = await findRequest(deps.store, id)
    if (!now) throw noRequest(id)
    if (now.endedAt !== null || waitSeconds === 0) return now
    await ends.wait(now.id, waitSeconds * 1_000, signal)
    const then = await findRequest(deps.store, id)
    if (!then) throw noRequest(id)
    return then
  },
})

/** The newest first. */
export const listRequests = defineOperation({
  route: 'GET /requests',
  isPublic: false,
  input: z.object({
    state: z.enum(requestStates).optional(),
    job: nameValue.optional(),
    account: nameValue.optional(),
    limit: limitValue,
  }),
  output: z.array(requestSummarySchema),
  async run({ deps }, filter) {
    const requests = await list(deps.store, filter)
    if (requests.length === 0) requireNames(deps, filter)
    return [...requests]
  },
})

/** The ids of those that `cancelRequest` or `retryRequest` takes one by one, the oldest first. */
export const findRequestIds = defineOperation({
  route: 'POST /requests/find',
  isPublic: false,
  input: z.object({
    states: z.array(z.enum(requestStates)).readonly(),
    job: nameValue.optional(),
    account: nameValue.optional(),
    /** Leaves out runs in the foreground, which only their command can make. */
    repeatable: z.boolean(),
  }),
  output: z.array(z.string()),
  async run({ deps }, group) {
    const ids = await findIds(deps.store, group)
    if (ids.length === 0) requireNames(deps, group)
    return [...ids]
  },
})

/**
 * Ends a waiting request, for everyone whose wish it has absorbed, and asks a running one to end. Resolves to the state that it
 * is in then: one that is running ends a moment later.
 */
export const cancelRequest = defineOperation({
  route: 'POST /requests/:id/cancel',
  isPublic: false,
  input: z.object({ id: nameValue }),
  output: z.enum(requestStates),
  async run({ deps }, { id }) {
    const state = await cancel(deps.store, id)
    if (state === undefined) throw noRequest(id)
    return state
  },
})

/** Makes a request like one that has ended; UsageError for one that has not, and for one that was a run in the foreground. */
export const retryRequest = defineOperation({
  route: 'POST /requests/:id/retry',
  isPublic: false,
  input: z.object({ id: nameValue }),
  output: acceptedSchema,
  async run({ deps }, { id }) {
    const { rows } = await sql<{
      account: string
      job: string
      payload: unknown
      state: string
      foreground: boolean
    }>`
      select account, job, payload, state, reserved_for is not null as foreground
      from worker.requests where id = worker.successor(${id})`.execute(deps.store)
    const [row] = rows
    if (!row) throw noRequest(id)
    if (row.foreground) {
      throw new UsageError({
        found: `Request ${id} was a run in the foreground, which no worker can repeat`,
        remedy: `give the command "run ${row.job}" again, or make a request with "enqueue ${row.job}"`,
      })
    }
    if (row.state === 'waiting' || row.state === 'running') {
      throw new UsageError({
        found: `Request ${id} is ${row.state}`,
        remedy: 'only one that has ended can be made again',
      })
    }
    const { account, job } = row
    const payload = deps.jobs.get(job)?.payloadOfRetry?.(row.payload) ?? row.payload
    const again = { account, job, payload, trigger: 'retry', caller: '' } as const
    const { accepted } = await requestRun(deps, again)
    return accepted
  },
})

function noRequest(id: string): NotFoundError {
  return new NotFoundError({
    found: `There is no request "${id}"`,
    remedy: 'ended ones are kept for 7 days, failed ones for 30',
  })
}
