import { z } from 'zod'
import { type Told, WorkerError } from '../errors.ts'
import { describeError } from '../log.ts'

/** What an answer says of an error: the sentence and, of errors of ours, its two parts. */
export const toldSchema = z.object({
  message: z.string(),
  found: z.string().optional(),
  remedy: z.string().optional(),
})

export function readTold({ message, found, remedy }: z.infer<typeof toldSchema>): Told {
  return found === undefined ? message : { found, remedy }
}

/** An error as `toldSchema` has it, with its code. */
export function tellError(error: unknown): { code: string; message: string; found?: string; remedy?: string } {
  const told = describeError(error)
  if (!(error instanceof WorkerError)) return told
  const { found, remedy } = error
  return { ...told, found, ...(remedy !== undefined && { remedy }) }
}

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
  z.object({ type: z.literal('error'), kind: z.string(), code: z.string(), ...toldSchema.shape }),
])

/** As it is sent; what comes back is parsed with the schema. */
export type RunEvent =
  | { type: 'waiting' }
  | { type: 'progress'; progress: object }
  | { type: 'result'; result: object }
  | ({ type: 'error'; kind: string } & ReturnType<typeof tellError>)
