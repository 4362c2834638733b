// node bench/contestants/do-nothing.ts '{"url": …, "databaseUrl": …, …}'
// A run whose job does nothing: the fixed cost of a run.
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { runJob } from './run-job.ts'
import { workerOptions } from './worker-options.ts'

const doNothing = defineJob({
  name: 'do-nothing',
  requirement: { role: 'viewer' },
  payload: z.strictObject({}),
  run: async () => ({}),
})
await runJob(workerOptions.parse(JSON.parse(process.argv[2] ?? '')), doNothing)
