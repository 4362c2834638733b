import type { Observer } from '../observer/observer.ts'
import { type TraceHeaders, traceIdOf } from '../observer/trace-headers.ts'

/** A request that the database accepted itself, as its row in JSON. */
export interface UnreportedRequest {
  /** The request that does the work. */
  readonly request_id: string
  readonly account: string
  readonly job: string
  readonly trigger: string
  /** An equal one was waiting. */
  readonly absorbed: boolean
  /** What its caller sent. */
  readonly trace: TraceHeaders | null
  /** What is kept with the request that absorbed it. */
  readonly absorber: TraceHeaders | null
  readonly accepted_at: string
}

/** Reports it as one that this process has accepted. Without a caller's trace it is in none, like that of a schedule. */
export function reportAccepted(observer: Pick<Observer, 'requestAccepted' | 'during'>, row: UnreportedRequest): void {
  const { account, job, request_id: request, trigger, absorbed, trace: caller } = row
  const line = { job, account }
  const absorber = row.absorber ?? undefined
  if (!caller) {
    observer.requestAccepted(line, { request, trigger, absorbed, absorber })
    return
  }
  const step = { kind: 'request', line, trigger, caller, acceptedAt: Date.parse(row.accepted_at) } as const
  void observer.during(step, async () =>
    observer.requestAccepted(line, { request, trigger, absorbed, trace: traceIdOf(caller), absorber }),
  )
}
