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
  /** The id of its trace, if it has one. */
  readonly trace?: string
}

/** Checks that stop a run or a ticket that arrived too late, or at the wrong process. */
export type Guard = 'ticket-unserved' | 'ticket-refused' | 'end-refused' | 'fenced-write'

/**
 * Receives every event: the only seam for logs, metrics and traces. Events contain no row data and no secrets. Their names come from
 * the project and its configuration, so they have few distinct values. No method throws or is awaited.
 */
export interface Observer {
  /**
   * A request was committed: by this process, or by the database (`worker.request`, the steps of a bootstrap). The latter are
   * reported by one of the processes that serve, within a second.
   */
  requestAccepted(line: ObservedLine, how: AcceptedHow): void
  /** Redis has accepted this many tickets. */
  ticketsAdded(count: number): void
  /** This process has received a ticket. */
  ticketTaken(line: ObservedLine): void
  /** A claim got no run; for one that did, `runClaimed` is called. */
  nothingClaimed(line: ObservedLine, verdict: NoClaim): void
  /** A process has claimed a run; `probed`: the run is the probe of a hold. */
  runClaimed(run: ObservedRun, how: { readonly trigger: string; readonly probed: boolean }): void
  /** The gate has admitted the run, and its job starts. */
  runBegan(run: ObservedRun, asked: { readonly trigger: string }): void
  /** Called once for every claimed run, with the milliseconds since the claim. */
  runEnded(run: ObservedRun, how: RunEnd): void
  /** Rows were committed; never called for a dry run. */
  pageWritten(run: ObservedRun, page: WrittenPage): void
  /** One attempt to send a webhook's message has ended, with or without a response. */
  messageSent(run: ObservedRun, message: SentMessage): void
  /** A run has placed a hold on its account, or only on its job. */
  holdPlaced(run: ObservedRun, hold: ObservedHold): void
  /** A hold was lifted. */
  holdLifted(run: ObservedRun, hold: ObservedHold): void
  /** A request for a token of the account has ended. */
  tokenFetched(account: string, fetch: TokenFetch): void
  /** A run has compared the account's token with what its jobs require; `doctor` names the unused grants. */
  grantsCompared(account: string, unused: UnusedGrants): void
  /** One attempt of a request to an API of the account has ended, with or without a response. */
  apiAsked(account: string, request: ApiTry): void
  /** An HTTP request over TCP was answered. */
  httpAnswered(answer: HttpAnswer): void
  guardFired(guard: Guard, facts: Partial<ObservedRun> & { readonly error?: unknown }): void
  /**
   * Wraps a step that lasts as long as `work`; events of the step are reported while it lasts.
   *
   * @param work receives the headers that continue this step's trace, if it has one
   */
  during<T>(step: ObservedStep, work: (headers?: TraceHeaders) => Promise<T>): Promise<T>
}

export type ObservedStep =
  | {
      /** Commits a request and wakes a worker for it. The headers are stored with the request. */
      readonly kind: 'request'
      readonly line: ObservedLine
      readonly trigger: string
      /** As sent by the caller. */
      readonly caller: TraceHeaders | null | undefined
      /** When the database accepted it, in milliseconds since 1970; default: now. */
      readonly acceptedAt?: number
    }
  /** Adds this many tickets to Redis. */
  | { readonly kind: 'tickets'; readonly count: number }
  /** Claims a line and runs its requests; none of this belongs to the trace that woke it. */
  | { readonly kind: 'line'; readonly line: ObservedLine }
  /** The gate and the job of a claimed run. */
  | ({ readonly kind: 'run'; readonly run: ObservedRun } & ObservedClaim)
  /** One attempt of a request to an API. The headers are sent with it. */
  | ({ readonly kind: 'api'; readonly account: string } & ApiQuestion)
  /** Requests a token of the account from the identity provider. */
  | { readonly kind: 'token'; readonly account: string }
  /** A run commits a transaction. */
  | { readonly kind: 'commit'; readonly run: ObservedRun; readonly tables: readonly string[] }
  /** A run sends a message to another system. */
  | { readonly kind: 'message'; readonly run: ObservedRun; readonly url: string }

export interface ObservedClaim {
  readonly trigger: string
  /** Counts from 1. */
  readonly attempt: number
  /** When the claim was sent, in milliseconds since 1970. */
  readonly claimAskedAt: number
  /** As stored with the request. */
  readonly kept: TraceHeaders | null
  /** Those of the requests that it absorbed. */
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
  /** The id of the request that will run. */
  readonly request: string
  readonly trigger: string
  /** An equal request was waiting, or the key was known, so nothing was added. */
  readonly absorbed: boolean
  /** The id of its trace, if it has one. */
  readonly trace?: string | undefined
  /** Those stored with the request that absorbed it. */
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

/** `gone`: the receiver wants no more messages. */
export type MessageOutcome = 'delivered' | 'gone' | 'failed'

export interface WrittenPage {
  /** The mirror table's name. */
  readonly table: string
  /** Number of rows that the API returned. */
  readonly read: number
  /** How many of them were new or different. */
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
  /** Refused: somebody must fix the cause. Failed: no usable response. */
  readonly outcome: 'granted' | 'refused' | 'failed'
  /** Whether it replaces a token that had expired or was about to. */
  readonly isRenewal: boolean
  readonly durationMs: number
}

/** The number of grants, by kind. */
export type UnusedGrants = Readonly<Record<'role' | 'scope', number>>

export interface ApiTry {
  readonly api: ApiName
  /** `query` or `mutation`, or the HTTP method. */
  readonly operation: string
  readonly outcome: ApiOutcome
  /** Of the error, if it failed. */
  readonly code?: string
  /** Of the response; absent without one. */
  readonly status?: number
  /** Of the exchange, in milliseconds: without the wait for a token, a slot or a rate limit. */
  readonly durationMs: number
}

export interface HttpAnswer {
  readonly method: string
  /** With parameter names, such as `/requests/:id`; undefined if no such path exists. */
  readonly route: string | undefined
  readonly status: number
  readonly durationMs: number
}

/** What a response, or its absence, means for the sender. */
export type ApiOutcome =
  | 'done'
  | 'token-rejected'
  | 'rate-limited'
  /** No retry can succeed. */
  | 'refused'
  /** A retry may succeed. */
  | 'failed'
  /** The API is down for everybody. */
  | 'outage'
  /** A mutation that may have been executed. */
  | 'unknown'
