import { z } from 'zod'
import { nameValue } from '../operations/values.ts'
import { requestStates } from '../states.ts'

/** Where the next page of a list begins. */
export const placeValue = z.string().regex(/^\d{1,18}$/, 'is no place')

/** What an action applies to: one request, or all that a filter finds. */
export const wantedSchema = z.strictObject({
  /** Of one request. */
  id: nameValue.optional(),
  account: nameValue.optional(),
  job: nameValue.optional(),
  state: z.enum(requestStates).optional(),
  code: nameValue.optional(),
  /** The newest request that the preview found. */
  upTo: placeValue.optional(),
})
export type Wanted = z.infer<typeof wantedSchema>

/** "all of job sync-articles for account north" */
export function sayWanted({ id, account, job, state, code }: Wanted): string {
  if (id !== undefined) return `request ${id}`
  const parts = [
    ...(state === undefined ? [] : [`state ${state}`]),
    ...(job === undefined ? [] : [`job ${job}`]),
    ...(account === undefined ? [] : [`account ${account}`]),
    ...(code === undefined ? [] : [`code ${code}`]),
  ]
  return parts.join(', ') || 'everything'
}
