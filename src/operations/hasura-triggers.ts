import { z } from 'zod'
import { jobsOf } from '../definitions/account-jobs.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { concerns, type TableEvent, tableOperations } from '../definitions/table-events.ts'
import { UsageError } from '../errors.ts'
import { getNamed } from '../names/find-named.ts'
import { type NewRequest, requestRun } from '../runs/requests.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { enterLine } from './crowded-line.ts'
import { defineOperation } from './operation.ts'
import { requireNames, resolve } from './resolve.ts'
import { nameValue, parseValue } from './values.ts'

const answeredRequestSchema = z.object({
  id: z.string(),
  job: z.string(),
  account: z.string(),
  /** True if an equal request was already waiting, or if the event had already arrived: nothing was added. */
  absorbed: z.boolean(),
})
type AnsweredRequest = z.infer<typeof answeredRequestSchema>

/** Empty if no job follows the table. */
const hookAnswerSchema = z.object({ requests: z.array(answeredRequestSchema) })

const rowSchema = z.record(z.string(), z.unknown()).nullish()

/** An event as Hasura sends it (https://hasura.io/docs/2.0/event-triggers/payload/); fields not named here are dropped. */
const eventInput = z.object({
  id: nameValue,
  table: z.object({ schema: nameValue, name: nameValue }),
  trigger: z.object({ name: nameValue }),
  event: z.object({
    op: z.enum([...tableOperations, 'MANUAL']),
    data: z.object({ old: rowSchema, new: rowSchema }),
  }),
  /** The account whose jobs are requested; default: all that run a job that follows the table. */
  account: nameValue.optional(),
})

/**
 * A row in Hasura's database has changed: requests the jobs whose `on` names the table. The event is only a hint: its row is used
 * to find the row and for nothing else. One event makes one request per job and account, however often it arrives.
 */
export const receiveEvent = defineOperation({
  route: 'POST /hooks/hasura/events',
  roles: [],
  input: eventInput,
  output: hookAnswerSchema,
  async run({ deps }, { id, table, trigger, event: { op, data }, account }, { trace }) {
    if (account !== undefined) getNamed('account', deps.accounts, account)
    const event: TableEvent = { operation: op, old: data.old ?? undefined, new: data.new ?? undefined }
    const lines = [...deps.accounts.values()]
      .filter(access => account === undefined || access.account.name === account)
      .flatMap(access => jobsOf(access.account, deps.jobs.values()).map(job => ({ account: access.account.name, job })))
      .filter(({ job }) => job.on !== undefined && concerns(job.on, table, op))
    const made = { caller: `hasura:${trigger.name}`, idempotencyKey: id, trace }
    const requests = await Promise.all(lines.map(line => requestForEvent(deps, line, event, made)))
    return { requests }
  },
})

/** In a crowded line, an event that needs more than an ordinary run requests one that covers it and others. */
async function requestForEvent(
  deps: RunDeps,
  { account, job }: { readonly account: string; readonly job: JobDefinition },
  event: TableEvent,
  made: Pick<NewRequest, 'caller' | 'idempotencyKey' | 'trace'>,
): Promise<AnsweredRequest> {
  const ask = (payload: unknown) => requestByHook(deps, { account, job: job.name, payload, ...made })
  const payload = job.payloadOfEvent?.(event, false) ?? {}
  if (Object.keys(Object(payload)).length === 0) return ask(payload)
  const line = { account, job: job.name }
  return enterLine(deps.store, line, isCrowded => ask(isCrowded ? job.payloadOfEvent?.(event, true) : payload))
}

/** The first request of a key counts: the same event may find its line crowded the next time. */
async function requestByHook(deps: RunDeps, wanted: Omit<NewRequest, 'trigger'>): Promise<AnsweredRequest> {
  const { id, absorbed } = await requestRun(deps, { ...wanted, trigger: 'hook' })
  return { id, job: wanted.job, account: wanted.account, absorbed }
}

/** A scheduled event as Hasura sends it; one from a cron trigger has its `name`. */
const cronInput = z.object({
  id: nameValue,
  name: nameValue.nullish(),
  payload: z.unknown().optional(),
  /** The account for which the job runs, unless the payload names one; default: all that run it. */
  account: nameValue.optional(),
})

/** The payload of a trigger that isn't named after its job. */
const wishSchema = z.strictObject({
  job: nameValue,
  account: nameValue.optional(),
  payload: z.unknown().optional(),
})

/**
 * A cron trigger, or a one-off scheduled event: requests the job that its payload names as `{ job, account?, payload? }`, or the
 * job with the trigger's name, with its payload.
 */
export const receiveCron = defineOperation({
  route: 'POST /hooks/hasura/cron',
  roles: [],
  input: cronInput,
  output: hookAnswerSchema,
  async run({ deps }, { id, name, payload, account }, { trace }) {
    const wish = readWish(name ?? undefined, payload)
    const wanted = { ...wish, account: wish.account ?? account }
    const job = getNamed('job', deps.jobs, wanted.job)
    requireNames(deps, { account: wanted.account })
    const names = [...deps.accounts.values()]
      .filter(access => wanted.account === undefined && jobsOf(access.account, [job]).length > 0)
      .map(access => access.account.name)
    const accounts = wanted.account === undefined ? names : [wanted.account]
    const made = { caller: `hasura:${name ?? 'scheduled'}`, idempotencyKey: id, trace }
    const requests = await Promise.all(
      accounts.map(account => {
        const { payload } = resolve(deps, { ...wanted, account })
        return requestByHook(deps, { account, job: job.name, payload, ...made })
      }),
    )
    return { requests }
  },
})

function readWish(name: string | undefined, payload: unknown): z.infer<typeof wishSchema> {
  if (Object.hasOwn(Object(payload), 'job')) return parseValue(wishSchema, payload, 'payload')
  if (name !== undefined) return { job: name, payload: payload ?? {} }
  throw new UsageError({
    found: 'The scheduled event names no job',
    remedy: 'give it the payload {"job": "…"}, or name the cron trigger after the job',
  })
}
