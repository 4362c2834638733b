import type { NoClaim, RunCounts, RunState } from '../states.ts'
import type { TraceHeaders } from './trace-headers.ts'

/** The requests of one account and job. */
export interface ObservedLine {
  readonly job: string
  readonly account: string
}

/** Which run an event belongs to. */
export interface ObservedRun extends ObservedLine {
  readonly run: string
  /** The id of the request that it is an attempt at. */
  readonly request: string
  /** The id of its trace, when there is one. */
  readonly trace?: string
}

/** Places where a run or a ticket was stopped because it came too late, or to the wrong process. */
export type Guard = 'ticket-unserved' | 'ticket-refused' | 'end-refused' | 'fenced-write'

/**
 * What happens, for whoever counts, times or writes it down: the one seam for logs, metrics and traces. Nothing that is told here
 * holds row data or a secret, and the names in it come from the project and its configuration, so that there are few of them.
 * No method throws or is waited for.
 */
export interface Observer {
  /**
   * A request was committed: by this process, or by the database (`worker.request`, the steps of a bootstrap). The latter are
   * reported by one of the processes that serve, within a second.
   */
  requestAccepted(line: ObservedLine, how: AcceptedHow): void
  /** Redis has taken so many tickets. */
  ticketsAdded(count: number): void
  /** This process was handed a ticket. */
  ticketTaken(line: ObservedLine): void
  /** A claim got nothing; of one that got something `runClaimed` is told. */
  nothingClaimed(line: ObservedLine, verdict: NoClaim): void
  /** A process has claimed a run; `probed`: it goes to see whether a hold is over. */
  runClaimed(run: ObservedRun, how: { readonly trigger: string; readonly probed: boolean }): void
  /** The gate has let it pass, and its job begins. */
  runBegan(run: ObservedRun, asked: { readonly trigger: string }): void
  /** Told once for each run that was claimed, with the milliseconds since then. */
  runEnded(run: ObservedRun, how: RunEnd): void
  /** Rows were committed; never told of a dry run. */
  pageWritten(run: ObservedRun, page: WrittenPage): void
  /** A webhook's message was sent once, with or without an answer. */
  messageSent(run: ObservedRun, message: SentMessage): void
  /** A run has found that its account, or its job alone, has to wait. */
  holdPlaced(run: ObservedRun, hold: ObservedHold): void
  /** What was held is over. */
  holdLifted(run: ObservedRun, hold: ObservedHold): void
  /** The identity provider was asked for a token of the account. */
  tokenFetched(account: string, fetch: TokenFetch): void
  /** A run has compared the account's token with what its jobs require; `doctor` names the unused grants. */
  grantsCompared(account: string, unused: UnusedGrants): void
  /** A request to an API of the account was tried once, with or without an answer. */
  apiAsked(account: string, request: ApiTry): void
  /** HTTP over TCP was answered. */
  httpAnswered(answer: HttpAnswer): void
  guardFired(guard: Guard, facts: Partial<ObservedRun> & { readonly error?: unknown }): void
  /**
   * Goes through a step, which is over when `work` is: what is told of it is told inside.
   *
   * @param work gets the headers that put what follows from this step into its trace, if there is one
   */
  during<T>(step: ObservedStep, work: (headers?: TraceHeaders) => Promise<T>): Promise<T>
}

export type ObservedStep =
  | {
      /** A request is committed, and whoever may run it is woken. What it gets is kept with the request. */
      readonly kind: 'request'
      readonly line: ObservedLine
      readonly trigger: string
      /** What its caller sent. */
      readonly caller: TraceHeaders | null | undefined
      /** When the database accepted it, in milliseconds since 1970; default: now. */
      readonly acceptedAt?: number
    }
  /** Redis is given so many tickets. */
  | { readonly kind: 'tickets'; readonly count: number }
  /** A line is claimed, and what it holds is run: nothing of it belongs to whoever woke it. */
  | { readonly kind: 'line'; readonly line: ObservedLine }
  /** The gate and the job of a claimed run. */
  | ({ readonly kind: 'run'; readonly run: ObservedRun } & ObservedClaim)
  /** An API is asked once. What it gets is sent along. */
  | ({ readonly kind: 'api'; readonly account: string } & ApiQuestion)
  /** The identity provider is asked for a token of the account. */
  | { readonly kind: 'token'; readonly account: string }
  /** A run commits what it has written. */
  | { readonly kind: 'commit'; readonly run: ObservedRun; readonly tables: readonly string[] }
  /** A run sends a message to another system. */
  | { readonly kind: 'message'; readonly run: ObservedRun; readonly url: string }

export interface ObservedClaim {
  readonly trigger: string
  /** Counts from 1. */
  readonly attempt: number
  /** When it was asked for, in milliseconds since 1970. */
  readonly claimAskedAt: number
  /** What was kept with its request. */
  readonly kept: TraceHeaders | null
  /** What came with requests that it absorbed. */
  readonly absorbed: readonly TraceHeaders[]
}

export interface ApiQuestion {
  readonly api: ApiName
  /** `query` or `mutation`, or the HTTP method. */
  readonly operation: string
  /** Of a GraphQL operation. */
  readonly name?: string | undefined
  readonly url: string
}

export type ApiName = 'hasura' | 'rest' | 'keycloak'

export interface AcceptedHow {
  /** The id of the request that does the work. */
  readonly request: string
  readonly trigger: string
  /** An equal one was waiting, or its key was known: nothing was added. */
  readonly absorbed: boolean
  /** The id of its trace, when there is one. */
  readonly trace?: string | undefined
  /** What is kept with the one that absorbed it. */
  readonly absorber?: TraceHeaders | null | undefined
}

export type RunEnd =
  | { readonly state: 'succeeded'; readonly durationMs: number; readonly counts: RunCounts | undefined }
  | {
      readonly state: Exclude<RunState, 'running' | 'succeeded'>
      readonly durationMs: number
      readonly error: unknown
    }

export interface SentMessage {
  readonly outcome: MessageOutcome
  readonly durationMs: number
}

/** `gone`: its receiver wants no more. */
export type MessageOutcome = 'delivered' | 'gone' | 'failed'

export interface WrittenPage {
  /** The mirror table's name. */
  readonly table: string
  /** How many the API gave. */
  readonly read: number
  /** How many of them were not here, or otherwise. */
  readonly changed: number
  /** Of the transaction, in milliseconds. */
  readonly durationMs: number
}

export interface ObservedHold {
  /** The check that failed, such as `client-auth`. */
  readonly code: string
  readonly scope: 'account' | 'job'
}

export interface TokenFetch {
  /** Refused: somebody has to correct something. Failed: no usable answer. */
  readonly outcome: 'granted' | 'refused' | 'failed'
  /** In the place of one that had expired, or was about to. */
  readonly isRenewal: boolean
  readonly durationMs: number
}

/** How many of a kind. */
export type UnusedGrants = Readonly<Record<'role' | 'scope', number>>

export interface ApiTry {
  readonly api: ApiName
  /** `query` or `mutation`, or the HTTP method. */
  readonly operation: string
  readonly outcome: ApiOutcome
  /** Of the error that it met. */
  readonly code?: string
  /** Of the answer; absent where none came. */
  readonly status?: number
  /** Of the exchange, in milliseconds: without the wait for a token, a slot or a rate limit. */
  readonly durationMs: number
}

export interface HttpAnswer {
  readonly method: string
  /** With the names of its parts, such as `/requests/:id`; undefined where there is no such path. */
  readonly route: string | undefined
  readonly status: number
  readonly durationMs: number
}

/** What an answer, or that there was none, means for the one who asked. */
export type ApiOutcome =
  | 'done'
  | 'token-rejected'
  | 'rate-limited'
  /** It can't work however often it is tried. */
  | 'refused'
  /** It may work if it is tried again. */
  | 'failed'
  /** The API serves nobody. */
  | 'outage'
  /** A mutation that may have been executed. */
  | 'unknown'
