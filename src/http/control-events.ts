import { z } from 'zod'

/** The lines that a run over the control socket answers with. */
export const runEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('waiting') }),
  z.object({
    type: z.literal('progress'),
    progress: z.object({
      done: z.number(),
      total: z.number().exactOptional(),
      doneBefore: z.number().exactOptional(),
      rowsPerSecond: z.number(),
      etaSeconds: z.number().exactOptional(),
    }),
  }),
  z.object({
    type: z.literal('result'),
    result: z.object({
      from: z.string().optional(),
      to: z.string().optional(),
      counts: z.record(z.string(), z.number()).optional(),
    }),
  }),
  z.object({ type: z.literal('error'), kind: z.string(), code: z.string(), message: z.string() }),
])

/** As it is sent; what comes back is parsed with the schema. */
export type RunEvent =
  | { type: 'waiting' }
  | { type: 'progress'; progress: object }
  | { type: 'result'; result: object }
  | { type: 'error'; kind: string; code: string; message: string }
