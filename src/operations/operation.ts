import type { z } from 'zod'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { Tickets } from '../queue/tickets.ts'
import type { RequestEnds } from '../runs/request-ends.ts'
import type { RunDeps } from '../runs/run-deps.ts'

/** What the token of a caller over HTTP allows; `operate` allows everything. */
export const apiRoles = ['request', 'view', 'operate'] as const
export type ApiRole = (typeof apiRoles)[number]

/** What operations work with. */
export interface OperationDeps {
  /** Its accounts are those that the caller may use. */
  readonly deps: RunDeps
  /** The names of these accounts; undefined for a caller who may use all, and see what is left of former ones. */
  readonly only: readonly string[] | undefined
  /** The queue, where there is one. */
  readonly tickets: Pick<Tickets, 'ping' | 'drop'> | undefined
  readonly ends: RequestEnds
}

/** What a caller has beside the input. */
export interface Call<Event> {
  /** Aborted when nobody waits for the answer any more, or when the process stops. */
  readonly signal: AbortSignal
  /** Who asks over HTTP: `http:<client>/<subject>`. Undefined for whoever may open the control socket. */
  readonly caller: string | undefined
  /** The trace that the caller is in. */
  readonly trace?: TraceHeaders | undefined
  onEvent(event: Event): void
}

/**
 * One thing that may be asked of a worker. `run` is the whole of it: the doors (commands, control socket, HTTP) only carry input
 * and output, and derive how from the rest.
 */
export interface Operation<Input extends z.ZodObject, Output extends z.ZodType, Event extends z.ZodType> {
  /** Method and path; each `:name` in the path is a part of the input. The rest of it is the query of a GET, the body of a POST. */
  readonly route: `${'GET' | 'POST'} /${string}`
  readonly input: Input
  readonly output: Output
  /** What is told before there is an output. */
  readonly event?: Event
  /**
   * Who may ask over HTTP: callers with one of these roles, and those with `operate`. Nobody over TCP where it is empty. Everything
   * is served to whoever may open the control socket.
   */
  readonly roles: readonly ApiRole[]
  /** Of a list that is given in pages: the fields of an item that say its place (`cursorOf`), after which the next page begins. */
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

/** An operation as its callers see it: its name is a function. */
export type Ask<O> =
  O extends Operation<infer Input, infer Output, infer Event>
    ? Record<string, never> extends z.input<Input>
      ? (input?: z.input<Input>, call?: Partial<Call<z.output<Event>>>) => Promise<z.output<Output>>
      : (input: z.input<Input>, call?: Partial<Call<z.output<Event>>>) => Promise<z.output<Output>>
    : never
