import { z } from 'zod'
import { NotFoundError, UsageError } from '../errors.ts'
import { requestStates } from '../states.ts'
import { type Call, defineOperation, type OperationDeps } from './operation.ts'
import { findRequestIds as findIds, type RequestGroup } from './request-group-filter.ts'
import { cancelRequest, retryRequest } from './requests.ts'
import { checkFound } from './resolve.ts'
import { lineFilter } from './values.ts'

/** The ids that `cancelRequest` or `retryRequest` takes one at a time, oldest first. */
export const findRequestIds = defineOperation({
  route: 'POST /requests/find',
  roles: [],
  input: z.object({
    ...lineFilter,
    states: z.array(z.enum(requestStates)).readonly(),
    /** Excludes foreground runs, which only their command can repeat. */
    repeatable: z.boolean(),
  }),
  output: z.array(z.string()),
  run: async (app, group) => checkFound(app.deps, group, await findIds(app, group)),
})

const mostAtOnce = 1_000
const wanted = {
  ...lineFilter,
  /** Only reports which requests these are. */
  preview: z.boolean().default(false),
  limit: z.int().min(1).max(mostAtOnce).default(100),
}

const changedSchema = z.object({
  /** Oldest first. */
  ids: z.array(z.string()),
  /** Whether the filter matches more than `limit`. */
  hasMore: z.boolean(),
})

/** Cancels all requests that match a filter, like `cancelRequest`. */
export const cancelRequests = defineOperation({
  route: 'POST /requests/cancel',
  roles: ['operate'],
  input: z.strictObject({ ...wanted, state: z.enum(['waiting', 'running']).optional() }),
  output: changedSchema,
  run: (app, { state, ...given }, call) =>
    changeAll(app, { ...given, state, states: state ? [state] : ['waiting', 'running'], repeatable: false }, call, id =>
      cancelRequest.run(app, { id }, silent(call)),
    ),
})

/** Repeats all requests that match a filter, like `retryRequest`. */
export const retryRequests = defineOperation({
  route: 'POST /requests/retry',
  roles: ['operate'],
  input: z.strictObject({ ...wanted, state: z.enum(['failed', 'cancelled', 'done']).optional() }),
  output: changedSchema,
  run: (app, { state, ...given }, call) =>
    changeAll(app, { ...given, state, states: [state ?? 'failed'], repeatable: true }, call, id =>
      retryRequest.run(app, { id }, silent(call)),
    ),
})

interface WantedChange extends RequestGroup {
  readonly state: string | undefined
  readonly preview: boolean
  readonly limit: number
}

/** @throws UsageError without a filter; NotFoundError if it matches nothing because it names something unknown */
async function changeAll(
  app: OperationDeps,
  { preview, limit, state, ...group }: WantedChange,
  { signal }: Pick<Call<never>, 'signal'>,
  change: (id: string) => Promise<unknown>,
): Promise<z.infer<typeof changedSchema>> {
  if (group.job === undefined && group.account === undefined && state === undefined) {
    throw new UsageError({ found: 'The filter is empty', remedy: 'give a job, an account or a state' })
  }
  const found = checkFound(app.deps, group, await findIds(app, { ...group, limit: limit + 1 }))
  const ids = found.slice(0, limit)
  const hasMore = found.length > limit
  if (preview) return { ids, hasMore }
  const changed: string[] = []
  for (const id of ids) {
    signal.throwIfAborted()
    if (await didChange(change(id))) changed.push(id)
  }
  return { ids: changed, hasMore }
}

/** A request may have been deleted, or its state may have changed, since it was found. */
async function didChange(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof UsageError) return false
    throw error
  }
}

function silent({ signal, caller, trace }: Omit<Call<never>, 'onEvent'>): Call<never> {
  return { signal, caller, trace, onEvent() {} }
}
