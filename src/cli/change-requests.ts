import { UsageError } from '../errors.ts'
import type { Operations } from '../operations/registry.ts'
import type { RequestState } from '../states.ts'
import { type CommandContext, defineCommand } from './command.ts'
import { confirmGroup, type GroupFilter } from './confirm-group.ts'
import { choiceOption, flag, jsonOutput, optionalArgument, textOption } from './options.ts'

const filters = {
  job: textOption('JOB', 'select requests of this job'),
  account: textOption('NAME', 'select requests of this account'),
}
const confirmation = {
  yes: flag('skip the confirmation; required without a terminal'),
  json: jsonOutput,
}
const id = optionalArgument(
  'id of one request, as listed by "requests"; select several with --job, --account and --state',
)

export const cancel = defineCommand({
  name: 'cancel',
  summary: 'cancel waiting requests and stop running ones',
  arguments: { id },
  options: {
    ...filters,
    state: choiceOption('STATE', 'select requests in this state', ['waiting', 'running']),
    ...confirmation,
  },
  async run({ id, state, ...given }, context) {
    const states = state === undefined ? (['waiting', 'running'] as const) : [state]
    return context.withOperations(async operations => {
      const filter = { ...given, states, repeatable: false }
      const ids = await choose(context, operations, { id, state, filter, action: 'cancel' })
      const results =
        id === undefined
          ? await inBatches(ids, some => operations.cancelListed({ ids: some }))
          : [{ id, ...(await operations.cancelRequest({ id })) }]
      const [only] = results
      if (id !== undefined && only && only.state !== 'cancelled' && only.state !== 'running') {
        throw new UsageError({
          found: `Request ${id} is ${only.state}`,
          remedy: 'cancel only a request that waits or runs',
        })
      }
      context.terminal.out(given.json ? `${JSON.stringify(results)}\n` : tellCancelled(results))
      return 0
    }, 'nothing')
  },
})

export const retry = defineCommand({
  name: 'retry',
  summary: 'repeat requests that failed or ended otherwise',
  arguments: { id },
  options: {
    ...filters,
    state: choiceOption('STATE', 'select requests in this state (default: failed)', ['failed', 'cancelled', 'done']),
    ...confirmation,
  },
  async run({ id, state, ...given }, context) {
    return context.withOperations(async operations => {
      const filter = { ...given, states: [state ?? 'failed'] as const, repeatable: true }
      const ids = await choose(context, operations, { id, state, filter, action: 'retry' })
      const results =
        id === undefined
          ? await inBatches(ids, some => operations.retryListed({ ids: some }))
          : [await retryOne(operations, id)]
      context.terminal.out(given.json ? `${JSON.stringify(results)}\n` : tellRetried(results))
      return 0
    }, 'nothing')
  },
})

/** @returns the id that was given, or the ids that the filter selects and a person confirms */
async function choose(
  context: CommandContext,
  operations: Operations,
  wanted: {
    readonly id: string | undefined
    readonly state: string | undefined
    readonly filter: GroupFilter
    readonly action: 'cancel' | 'retry'
  },
): Promise<readonly string[]> {
  const { id, state, filter, action } = wanted
  const isFiltered = filter.job !== undefined || filter.account !== undefined || state !== undefined
  if (id !== undefined && isFiltered) {
    throw new UsageError({
      found: `${action} got both an id and --job, --account or --state`,
      remedy: 'give either the id or the filters',
    })
  }
  if (id !== undefined) return [id]
  if (!isFiltered) {
    throw new UsageError({
      found: `${action} got neither an id nor a filter`,
      remedy: 'give the id of one request, or select several with --job, --account or --state',
    })
  }
  return confirmGroup(context, operations, filter, action)
}

/** Ids of one exchange: an operation takes up to 1,000. */
const batch = 500

async function inBatches<T>(
  ids: readonly string[],
  change: (some: string[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const results: T[] = []
  for (let at = 0; at < ids.length; at += batch) results.push(...(await change(ids.slice(at, at + batch))))
  return results
}

async function retryOne(operations: Operations, id: string) {
  const { id: request, absorbed } = await operations.retryRequest({ id })
  return { id, request, absorbed }
}

function tellCancelled(results: readonly { id: string; state: RequestState }[]): string {
  const [only, ...others] = results
  if (!only) return 'nothing changed\n'
  if (others.length === 0) {
    return only.state === 'running' ? `${only.id} is running and stops within seconds\n` : `${only.id} ${only.state}\n`
  }
  const count = (state: RequestState) => results.filter(result => result.state === state).length
  const ended = results.length - count('cancelled') - count('running')
  const parts = [`${count('cancelled')} cancelled`]
  if (count('running') > 0) parts.push(`${count('running')} running and stopping within seconds`)
  if (ended > 0) parts.push(`${ended} already ended`)
  return `${parts.join(', ')}\n`
}

function tellRetried(results: readonly { request: string; absorbed: boolean }[]): string {
  const [only, ...others] = results
  if (!only) return 'nothing changed\n'
  if (others.length === 0)
    return `${only.request}${only.absorbed ? ', an equal request that was already waiting' : ''}\n`
  const made = results.filter(({ absorbed }) => !absorbed).length
  const absorbed = results.length - made
  return `${made} made${absorbed > 0 ? `, ${absorbed} absorbed by an equal waiting request` : ''}\n`
}
