import type { z } from 'zod'
import type { Requirement } from '../account.ts'

/**
 * What a caller has to know of a job. It stands apart from `run`, so that importing it brings nothing else along.
 *
 * @example
 * import type { JobSpec } from 'hasura-sync-worker'
 * import { syncUsers } from './sync-users.ts'
 *
 * export const nameOf = ({ name }: JobSpec): string => name
 * export const name = nameOf(syncUsers)
 */
export interface JobSpec<N extends string = string, S extends z.ZodType = z.ZodType> {
  /** Its file's name and its label everywhere. */
  readonly name: N
  /** Parses the payload of a request; a request without a payload has `{}`. */
  readonly payload: S
  /** What the token must hold; without it the gate only logs in. */
  readonly requirement?: Requirement
}

/**
 * What a request for this job may hold.
 *
 * @example
 * import type { PayloadOf } from 'hasura-sync-worker'
 * import type { syncUsers } from './sync-users.ts'
 *
 * export const everything: PayloadOf<typeof syncUsers> = { full: true }
 */
export type PayloadOf<J extends JobSpec> = z.input<J['payload']>

/**
 * The names of a list of jobs that is `as const`.
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

/** The payload as a parameter, which may be left out where `{}` is one. */
export type PayloadArgument<J extends JobSpec> =
  Record<never, never> extends PayloadOf<J> ? [payload?: PayloadOf<J>] : [payload: PayloadOf<J>]

/**
 * Keeps the name and the payload's type.
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
