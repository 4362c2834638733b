import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type RequestReport, requestReportSchema } from '../../../src/operations/request-reports.ts'
import { DemoError } from './demo-error.ts'
import { callerClient, type Sandbox } from './open-sandbox.ts'

const lookEveryMs = 150

/** Another service: it knows the worker's address and its own client, and nothing else of the worker. */
export interface Caller {
  /** POST /jobs/{name}/requests @returns the request's id */
  request(job: string, signal: AbortSignal): Promise<string>
  /** GET /requests/{id} */
  look(id: string, signal: AbortSignal): Promise<RequestReport>
  /** Looks again and again until the report is what is waited for; a request that fails meanwhile is an error. */
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

/** Client credentials (RFC 6749, section 4.4), by hand. */
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
