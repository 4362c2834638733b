import { z } from 'zod'
import { UsageError } from '../errors.ts'
import { requestStates } from '../states.ts'
import { cancelMany, retryMany } from './change-requests.ts'
import { defineOperation, type OperationDeps } from './operation.ts'
import { findRequestIds as findIds, type RequestGroup } from './request-group-filter.ts'
import { checkFound } from './resolve.ts'
import { lineFilter } from './values.ts'

/** The ids that `cancelListed` or `retryListed` takes, oldest first. */
export const findRequestIds = defineOperation({
  route: 'POST /requests/find',
  roles: [],
  input: z.object({
    ...lineFilter,
    states: z.array(z.enum(requestStates)).readonly(),
    /** Excludes foreground runs, which only their command can repeat, and requests that were repeated already. */
    repeatable: z.boolean(),
  }),
  output: z.array(z.string()),
  run: async (app, group) => checkFound(app.deps, group, await findIds(app, group)),
})

const mostAtOnce = 1_000

/** Cancels requests that a person has confirmed, up to 1,000. Those that don't exist any more are left out. */
export const cancelListed = defineOperation({
  route: 'POST /requests/cancel-listed',
  roles: [],
  input: z.strictObject({ ids: z.array(z.string()).max(mostAtOnce) }),
  output: z.array(z.object({ id: z.string(), state: z.enum(requestStates) })),
  run: async (app, { ids }, { signal }) => (await cancelMany(app, ids, signal)).map(({ id, state }) => ({ id, state })),
})

/** Repeats requests that a person has confirmed, up to 1,000. Those that can't be repeated any more are left out. */
export const retryListed = defineOperation({
  route: 'POST /requests/retry-listed',
  roles: [],
  input: z.strictObject({ ids: z.array(z.string()).max(mostAtOnce) }),
  output: z.array(z.object({ id: z.string(), request: z.string(), absorbed: z.boolean() })),
  run: async (app, { ids }, { caller = '', trace, signal }) => [
    ...(await retryMany(app, ids, { caller, trace, signal })),
  ],
})

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
  run: (app, { state, ...given }, { signal }) =>
    changeAll(
      app,
      { ...given, state, states: state ? [state] : ['waiting', 'running'], repeatable: false },
      async ids => (await cancelMany(app, ids, signal)).filter(({ changed }) => changed),
    ),
})

/** Repeats all requests that match a filter and weren't repeated yet, like `retryRequest`. */
export const retryRequests = defineOperation({
  route: 'POST /requests/retry',
  roles: ['operate'],
  input: z.strictObject({ ...wanted, state: z.enum(['failed', 'cancelled', 'done']).optional() }),
  output: changedSchema,
  run: (app, { state, ...given }, { caller = '', trace, signal }) =>
    changeAll(app, { ...given, state, states: [state ?? 'failed'], repeatable: true }, ids =>
      retryMany(app, ids, { caller, trace, signal }),
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
  change: (ids: readonly string[]) => Promise<readonly { readonly id: string }[]>,
): Promise<z.infer<typeof changedSchema>> {
  if (group.job === undefined && group.account === undefined && state === undefined) {
    throw new UsageError({ found: 'The filter is empty', remedy: 'give a job, an account or a state' })
  }
  const found = checkFound(app.deps, group, await findIds(app, { ...group, limit: limit + 1 }))
  const ids = found.slice(0, limit)
  const hasMore = found.length > limit
  if (preview) return { ids, hasMore }
  const changed = await change(ids)
  return { ids: changed.map(({ id }) => id), hasMore }
}
