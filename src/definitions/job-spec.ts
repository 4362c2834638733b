import type { z } from 'zod'
import type { Requirement } from '../account.ts'

/**
 * What callers need to know about a job. It is separate from `run`, so that importing it imports nothing else.
 *
 * @example
 * import type { JobSpec } from 'hasura-sync-worker'
 * import { syncUsers } from './sync-users.ts'
 *
 * export const nameOf = ({ name }: JobSpec): string => name
 * export const name = nameOf(syncUsers)
 */
export interface JobSpec<N extends string = string, S extends z.ZodType = z.ZodType> {
  /** The name of its file, and its label everywhere. */
  readonly name: N
  /** Parses the payload of a request; a request without a payload has `{}`. */
  readonly payload: S
  /** What the token must contain. Without a requirement the gate only logs in. */
  readonly requirement?: Requirement
}

/**
 * The payload type of a job's requests.
 *
 * @example
 * import type { PayloadOf } from 'hasura-sync-worker'
 * import type { syncUsers } from './sync-users.ts'
 *
 * export const everything: PayloadOf<typeof syncUsers> = { full: true }
 */
export type PayloadOf<J extends JobSpec> = z.input<J['payload']>

/**
 * The names in a list of jobs that is `as const`.
 *
 * @example
 * import type { JobName } from 'hasura-sync-worker'
 * import type { jobs } from './list.ts'
 *
 * export const first: JobName<typeof jobs> = 'sync-users'
 */
export type JobName<L extends readonly JobSpec[]> = L[number]['name']

/**
 * The job of this name in a list that is `as const`.
 *
 * @example
 * import type { JobNamed, PayloadOf } from 'hasura-sync-worker'
 * import type { jobs } from './list.ts'
 *
 * export const payload: PayloadOf<JobNamed<typeof jobs, 'sync-users'>> = { full: true }
 */
export type JobNamed<L extends readonly JobSpec[], N extends JobName<L>> = Extract<L[number], { readonly name: N }>

/** The payload as a parameter, optional if `{}` is valid. */
export type PayloadArgument<J extends JobSpec> =
  Record<never, never> extends PayloadOf<J> ? [payload?: PayloadOf<J>] : [payload: PayloadOf<J>]

/**
 * Returns the spec, with the types of its name and payload.
 *
 * @example
 * import { defineSpec } from 'hasura-sync-worker'
 * import { z } from 'zod'
 *
 * export const rebuildIndex = defineSpec({
 *   name: 'rebuild-index',
 *   payload: z.strictObject({ since: z.iso.datetime().optional() }),
 * })
 */
export function defineSpec<const N extends string, S extends z.ZodType>(spec: JobSpec<N, S>): JobSpec<N, S> {
  return spec
}
