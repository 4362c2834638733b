import { createHash } from 'node:crypto'
import { z } from 'zod'

/** What made the request: shown in runs, and nothing depends on it. */
export const triggers = ['schedule', 'http', 'cli', 'bootstrap'] as const
export type Trigger = (typeof triggers)[number]

/** BullMQ starts the lower number first; 0 is kept free because it means "before all others" there. */
export const priorities = { high: 10, normal: 100, low: 1000 } as const
export type Priority = keyof typeof priorities

export interface NewRequest {
  readonly account: string
  readonly job: string
  readonly payload: unknown
  readonly trigger: Trigger
  readonly priority?: Priority
  /** Adding the same id again finds the request that has it, also when it has long been done. */
  readonly id?: string
}

/** What the queue holds of a request: parsed again when it comes back, since other versions may have written it. */
export const requestDataSchema = z.object({
  account: z.string(),
  job: z.string(),
  payload: z.unknown(),
  /** Nothing depends on it, so one of a later version's is taken as it is. */
  trigger: z.string(),
  /** Runs that failed and were tried again; waiting for a hold, a lease or a rate limit doesn't count. */
  failures: z.int().nonnegative().default(0),
  /** The equal, later request that does this one's work: this one ends as that one ends. */
  follows: z.string().optional(),
})
export type RequestData = z.infer<typeof requestDataSchema>

/** Equal requests share this text, and different payloads never do. */
export function deduplicationId(request: Pick<NewRequest, 'account' | 'job' | 'payload'>): string {
  return `${request.account}/${request.job}/${sha256(canonicalJson(request.payload))}`
}

/** The id of the request that a producer asked for with this idempotency key. */
export function idempotentRequestId(account: string, job: string, key: string): string {
  return `key-${sha256(canonicalJson([account, job, key]))}`
}

/** The id of the request that a schedule makes at one instant, the same in every process. */
export function scheduledRequestId(account: string, job: string, dueAt: Date): string {
  return `tick-${sha256(canonicalJson([account, job]))}-${dueAt.getTime()}`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** JSON in which the order of an object's keys doesn't matter. */
export function canonicalJson(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      inner !== null && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? 'null'
  )
}
