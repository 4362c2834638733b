import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { Worker } from './worker-process.ts'
import type { World } from './world.ts'

export const acceptedSchema = z.object({ id: z.string(), absorbed: z.boolean() })
const reportSchema = z.object({ state: z.string() })

/** For the harness's own requests: repeats each until a worker answers. */
export interface PatientClient {
  /** @returns the request's id */
  request(account: string, job: string, payload: object): Promise<string>
  hasEnded(id: string): Promise<boolean>
}

const answerWithinMs = 10_000

export function createPatientClient(
  world: Pick<World, 'callerToken'>,
  workers: () => readonly Worker[],
): PatientClient {
  async function ask(path: string, init: RequestInit, tries: number): Promise<unknown> {
    let last: unknown = new Error('no worker answers')
    for (let n = 0; n < tries; n++) {
      for (const { url } of workers().filter(worker => worker.answeringSince !== undefined)) {
        try {
          const headers = { authorization: `Bearer ${await world.callerToken()}`, 'content-type': 'application/json' }
          const signal = AbortSignal.timeout(answerWithinMs)
          const response = await fetch(`${url}${path}`, { ...init, headers, signal })
          if (response.ok) return await response.json()
          last = new Error(`HTTP ${response.status}: ${await response.text()}`)
        } catch (error) {
          last = error
        }
      }
      await delay(500)
    }
    throw last
  }
  return {
    async request(account, job, payload) {
      const body = JSON.stringify({ account, payload })
      return acceptedSchema.parse(await ask(`/jobs/${job}/requests`, { method: 'POST', body }, 20)).id
    },
    async hasEnded(id) {
      const { state } = reportSchema.parse(await ask(`/requests/${id}`, {}, 100))
      return state !== 'waiting' && state !== 'running'
    },
  }
}
