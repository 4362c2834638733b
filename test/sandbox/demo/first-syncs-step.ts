import { z } from 'zod'
import type { RequestReport } from '../../../src/operations/request-reports.ts'
import type { Stage } from './run-demo.ts'

const progressSchema = z.object({ done: z.number() })
const tellEveryMs = 400

export async function firstSyncs(stage: Stage): Promise<void> {
  const { worker, narrator, signal } = stage
  narrator.heading(
    '2  The first syncs: the schedules are due, and the bootstrap of a new account requests them in order',
  )
  narrator.remark(
    'A job never has two active runs: the later one reads only what has changed since the earlier one began.',
  )
  const started = await worker.waitFor(line => line.msg === 'run started' && line.job === 'sync-articles', signal)
  await followProgress(stage, started.request ?? '')
  // All of them end before anything changes: otherwise they would read the next step's changes.
  const scheduled = await worker.waitFor(
    line => line.msg === 'run started' && line.trigger === 'schedule' && line.job === 'sync-articles',
    signal,
  )
  await worker.waitFor(line => line.msg === 'run succeeded' && line.run === scheduled.run, signal)
  await worker.waitFor(line => line.msg === 'run succeeded' && line.job === 'bootstrap-account', signal)
}

async function followProgress({ caller, narrator, signal }: Stage, requestId: string): Promise<void> {
  let toldAt = 0
  let told = 0
  const tell = (report: RequestReport): boolean => {
    const { done = 0 } = progressSchema.safeParse(report.progress).data ?? {}
    if (report.state === 'running' && done > told && Date.now() - toldAt >= tellEveryMs) {
      narrator.say('worker', `${report.job}: ${done} rows so far`)
      told = done
      toldAt = Date.now()
    }
    return report.state === 'done'
  }
  await caller.lookUntil(requestId, tell, signal)
}
