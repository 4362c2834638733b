import type { TraceHeaders } from '../observer/trace-headers.ts'
import { requestRun } from '../runs/requests.ts'
import type { RunDeps } from '../runs/run-deps.ts'

export interface EndedRequest {
  readonly account: string
  readonly job: string
  readonly payload: unknown
  readonly errorCode: string | null
}

/** Makes a request again, with the payload that its job gives to a retry. */
export function repeatRequest(
  deps: RunDeps,
  { account, job, payload: before, errorCode }: EndedRequest,
  { caller, trace }: { readonly caller: string; readonly trace?: TraceHeaders | undefined },
): ReturnType<typeof requestRun> {
  const payload = deps.jobs.get(job)?.payloadOfRetry?.(before, errorCode ?? undefined) ?? before
  return requestRun(deps, { account, job, payload, trigger: 'retry', caller, trace })
}
