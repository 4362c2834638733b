/** What the client reads of a job or a spec: its name, and the input of its zod schema. */
export interface JobLike {
  readonly name: string
  readonly payload: { readonly _zod: { readonly input: unknown } }
}

/** The names of a list of jobs or specs that is `as const`. */
export type JobName<L extends readonly JobLike[]> = L[number]['name']

/** The job of this name in a list that is `as const`; any payload where nothing is known of the list. */
export type JobNamed<L extends readonly JobLike[], N extends JobName<L>> =
  string extends JobName<L> ? L[number] : Extract<L[number], { readonly name: N }>

/** What a request for this job may hold. */
export type PayloadOf<J extends JobLike> = J['payload']['_zod']['input']

/** The payload, which may be left out where `{}` is one, and options after it. */
export type RequestArguments<J extends JobLike, O> =
  Record<never, never> extends PayloadOf<J>
    ? [payload?: PayloadOf<J>, options?: O]
    : [payload: PayloadOf<J>, options?: O]
