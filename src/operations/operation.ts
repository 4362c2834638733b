import type { z } from 'zod'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { Tickets } from '../queue/tickets.ts'
import type { RequestEnds } from '../runs/request-ends.ts'
import type { RunDeps } from '../runs/run-deps.ts'

/** What a caller's token allows over HTTP; `operate` allows everything. */
export const apiRoles = ['request', 'view', 'operate'] as const
export type ApiRole = (typeof apiRoles)[number]

/** What operations work with. */
export interface OperationDeps {
  /** Its accounts are those that the caller may use. */
  readonly deps: RunDeps
  /** The names of these accounts; undefined for a caller who may use all, and may see what remains of former ones. */
  readonly only: readonly string[] | undefined
  /** Set if the queue is on Redis. */
  readonly tickets: Pick<Tickets, 'ping' | 'drop'> | undefined
  readonly ends: RequestEnds
}

/** What a caller may read: the store, and which accounts are the caller's. */
export type Reading = Pick<OperationDeps, 'deps' | 'only'>

/** What a caller passes besides the input. */
export interface Call<Event> {
  /** Aborted when nobody waits for the result any more, or when the process stops. */
  readonly signal: AbortSignal
  /** The HTTP caller: `http:<client>/<subject>`. Undefined for users of the control socket. */
  readonly caller: string | undefined
  /** The trace that the caller is in. */
  readonly trace?: TraceHeaders | undefined
  onEvent(event: Event): void
}

/**
 * One operation of a worker. `run` does all of it: commands, control socket and HTTP only carry input and output, and derive
 * everything else from the definition.
 */
export interface Operation<Input extends z.ZodObject, Output extends z.ZodType, Event extends z.ZodType> {
  /**
   * Method and path; each `:name` in the path is part of the input. The rest of it is the query of a GET, or the body of a POST.
   */
  readonly route: `${'GET' | 'POST'} /${string}`
  readonly input: Input
  readonly output: Output
  /** What is reported before there is an output. */
  readonly event?: Event
  /**
   * The roles of HTTP callers that may use it; `operate` may use everything. If empty, it isn't served over TCP. The control
   * socket serves every operation.
   */
  readonly roles: readonly ApiRole[]
  /** For a paginated list: the fields of an item that define its place (`cursorOf`), after which the next page starts. */
  readonly cursor?: readonly string[]
  run(app: OperationDeps, input: z.output<Input>, call: Call<z.output<Event>>): Promise<z.output<Output>>
}

export type AnyOperation = Operation<z.ZodObject, z.ZodType, z.ZodType>

/** Infers the types of an operation's `run` from its schemas. */
export function defineOperation<
  Input extends z.ZodObject,
  Output extends z.ZodType,
  Event extends z.ZodType = z.ZodNever,
>(operation: Operation<Input, Output, Event>): Operation<Input, Output, Event> {
  return operation
}

/** An operation as its callers see it: a function with its name. */
export type Ask<O> =
  O extends Operation<infer Input, infer Output, infer Event>
    ? Record<string, never> extends z.input<Input>
      ? (input?: z.input<Input>, call?: Partial<Call<z.output<Event>>>) => Promise<z.output<Output>>
      : (input: z.input<Input>, call?: Partial<Call<z.output<Event>>>) => Promise<z.output<Output>>
    : never
