import { z } from 'zod'
import { WorkerError } from '../errors.ts'
import type { Told } from '../explanation.ts'
import { describeError } from '../log.ts'

/** An error in a response: the message and, for the worker's own errors, its two parts. */
const toldSchema = z.object({
  message: z.string(),
  found: z.string().optional(),
  remedy: z.string().optional(),
})

export function readTold({ message, found, remedy }: z.infer<typeof toldSchema>): Told {
  return found === undefined ? message : { found, remedy }
}

/** An error as in `toldSchema`, with its code. */
export function tellError(error: unknown): { code: string; message: string; found?: string; remedy?: string } {
  const told = describeError(error)
  if (!(error instanceof WorkerError)) return told
  const { found, remedy } = error
  return { ...told, found, ...(remedy !== undefined && { remedy }) }
}

/** The lines with which the control socket answers an operation that has events. */
export const controlLineSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('event'), event: z.unknown() }),
  z.object({ type: z.literal('output'), output: z.unknown() }),
  z.object({ type: z.literal('error'), kind: z.string(), code: z.string(), ...toldSchema.shape }),
])
export type ControlLine = z.input<typeof controlLineSchema>
