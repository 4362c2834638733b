import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type RequestReport, requestReportSchema } from '../../../src/operations/request-reports.ts'
import { DemoError } from './demo-error.ts'
import { callerClient, type Sandbox } from './open-sandbox.ts'

const lookEveryMs = 150

/** Another service, which knows only the worker's address and its own client. */
export interface Caller {
  /** POST /jobs/{name}/requests @returns the request's id */
  request(job: string, signal: AbortSignal): Promise<string>
  /** GET /requests/{id} */
  look(id: string, signal: AbortSignal): Promise<RequestReport>
  /** Polls until the report is as expected; throws if the request fails meanwhile. */
  lookUntil(id: string, matches: (report: RequestReport) => boolean, signal: AbortSignal): Promise<RequestReport>
}

export function createCaller(sandbox: Sandbox, workerAddress: string): Caller {
  const send = async (method: string, path: string, signal: AbortSignal): Promise<unknown> => {
    const token = await fetchToken(sandbox.identity.tokenUrl, signal)
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${workerAddress}${path}`, { method, headers, signal })
    const content: unknown = await response.json()
    if (response.ok) return content
    throw new DemoError(`${method} ${path} was answered with ${response.status}: ${errorSchema.parse(content).detail}`)
  }
  const look = async (id: string, signal: AbortSignal): Promise<RequestReport> =>
    requestReportSchema.parse(await send('GET', `/requests/${id}`, signal))
  return {
    async request(job, signal) {
      return acceptedSchema.parse(await send('POST', `/jobs/${job}/requests`, signal)).id
    },
    look,
    async lookUntil(id, matches, signal) {
      for (;;) {
        const report = await look(id, signal)
        if (matches(report)) return report
        if (report.state === 'failed') throw new DemoError(`Request ${id} failed: ${report.failedReason}`)
        await sleep(lookEveryMs, undefined, { signal })
      }
    },
  }
}

const acceptedSchema = z.object({ id: z.string() })
const errorSchema = z.object({ detail: z.string() })
const tokenSchema = z.object({ access_token: z.string() })

/** Client credentials (RFC 6749, section 4.4), without a library. */
async function fetchToken(tokenUrl: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: callerClient.clientId,
      client_secret: callerClient.clientSecret,
    }),
    signal,
  })
  return tokenSchema.parse(await response.json()).access_token
}
