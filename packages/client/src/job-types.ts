/** The parts of a job or a spec that the client uses: its name, and the input of its zod schema. */
export interface JobLike {
  readonly name: string
  readonly payload: { readonly _zod: { readonly input: unknown } }
}

/** The names of a list of jobs or specs that is `as const`. */
export type JobName<L extends readonly JobLike[]> = L[number]['name']

/** The job of this name in a list that is `as const`; any payload if the list's type is unknown. */
export type JobNamed<L extends readonly JobLike[], N extends JobName<L>> =
  string extends JobName<L> ? L[number] : Extract<L[number], { readonly name: N }>

/** The payload of a request for this job. */
export type PayloadOf<J extends JobLike> = J['payload']['_zod']['input']

/** The payload, which may be omitted if `{}` is valid, and then the options. */
export type RequestArguments<J extends JobLike, O> =
  Record<never, never> extends PayloadOf<J>
    ? [payload?: PayloadOf<J>, options?: O]
    : [payload: PayloadOf<J>, options?: O]
