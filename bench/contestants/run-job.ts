import { openApp } from '../../src/app/app.ts'
import type { JobDefinition } from '../../src/definitions/define-job.ts'
import { createLog } from '../../src/log.ts'
import { createLocalOperations } from '../../src/operations/local-operations.ts'
import { createHost } from './create-host.ts'
import { report } from './report.ts'
import { configOf, type WorkerOptions } from './worker-options.ts'

/** One run of a job in the real app, like the command `run`. Its time starts at the gate and ends when the run is recorded. */
export async function runJob(options: WorkerOptions, job: JobDefinition): Promise<void> {
  await using app = await openApp(
    configOf(options),
    { jobs: [job], firstLogin: undefined },
    createHost(createLog('warn')),
  )
  const startedAt = performance.now()
  const result = await createLocalOperations(app).run({ job: job.name })
  const seconds = (performance.now() - startedAt) / 1000
  report({ seconds, rows: ('counts' in result && result.counts?.read) || 0 })
}
