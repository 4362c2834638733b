import { z } from 'zod'
import { runNow } from '../execution/run-now.ts'
import { runStates } from '../states.ts'
import { defineOperation } from './operation.ts'
import { pageInput } from './pages.ts'
import { checkFound, resolve } from './resolve.ts'
import { listRuns as list, runReportSchema } from './run-reports.ts'
import { limitValue, lineFilter, nameValue } from './values.ts'

const progressSchema = z.object({
  done: z.number(),
  total: z.number().exactOptional(),
  doneBefore: z.number().exactOptional(),
  rowsPerSecond: z.number(),
  etaSeconds: z.number().exactOptional(),
})

/** One run in the foreground; rejects with the error that refused or ended it. */
export const run = defineOperation({
  route: 'POST /jobs/:job/runs',
  roles: [],
  input: z.object({
    job: nameValue,
    account: nameValue.optional(),
    payload: z.unknown().optional(),
    dryRun: z.boolean().default(false),
  }),
  event: z.discriminatedUnion('type', [
    /** Another run has the line, and this one waits for it. */
    z.object({ type: z.literal('waiting') }),
    z.object({ type: z.literal('progress'), progress: progressSchema }),
  ]),
  output: z.object({
    from: z.string().exactOptional(),
    to: z.string().exactOptional(),
    counts: z.record(z.string(), z.number()).exactOptional(),
  }),
  async run({ deps }, wanted, { signal, onEvent }) {
    const result = await runNow(deps, {
      ...wanted,
      ...resolve(deps, wanted),
      signal,
      onWaiting: () => onEvent({ type: 'waiting' }),
      onProgress: progress => onEvent({ type: 'progress', progress }),
    })
    if ('waitMs' in result || 'steps' in result) return {}
    const { from, to, counts } = result
    return {
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(counts && { counts: { ...counts } }),
    }
  },
})

/** Newest first. */
export const listRuns = defineOperation({
  route: 'GET /runs',
  roles: ['view'],
  input: z.object({
    ...pageInput,
    ...lineFilter,
    state: z.enum(runStates).optional(),
    limit: limitValue,
  }),
  output: z.array(runReportSchema),
  cursor: ['seq'],
  run: async (app, filter) => checkFound(app.deps, filter, await list(app, filter)),
})
