import type { z } from 'zod'
import type { Requirement } from '../account.ts'

/** What a caller has to know of a job. It stands apart from `run`, so that importing it brings nothing else along. */
export interface JobSpec<N extends string = string, S extends z.ZodType = z.ZodType> {
  /** Its file's name and its label everywhere. */
  readonly name: N
  /** Parses the payload of a request; a request without a payload has `{}`. */
  readonly payload: S
  /** What the token must hold; without it the gate only logs in. */
  readonly requirement?: Requirement
}

/** What a request for this job may hold. */
export type PayloadOf<J extends JobSpec> = z.input<J['payload']>

/** The names of a list of jobs that is `as const`. */
export type JobName<L extends readonly JobSpec[]> = L[number]['name']

/** The job of this name in a list that is `as const`. */
export type JobNamed<L extends readonly JobSpec[], N extends JobName<L>> = Extract<L[number], { readonly name: N }>

/** The payload as a parameter, which may be left out where `{}` is one. */
export type PayloadArgument<J extends JobSpec> =
  Record<never, never> extends PayloadOf<J> ? [payload?: PayloadOf<J>] : [payload: PayloadOf<J>]

/** Keeps the name and the payload's type. */
export function defineSpec<const N extends string, S extends z.ZodType>(spec: JobSpec<N, S>): JobSpec<N, S> {
  return spec
}
