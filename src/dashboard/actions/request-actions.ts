import { UsageError } from '../../errors.ts'
import { cancelMany, retryMany } from '../../operations/change-requests.ts'
import { findRequestIds, type RequestGroup } from '../../operations/request-group-filter.ts'
import type { RequestState } from '../../states.ts'
import { countRequests, mostCounted } from '../read/requests.ts'
import type { Wanted } from '../wanted.ts'
import {
  type Action,
  type ActionContext,
  callOf,
  dashboard,
  type Preview,
  requireFilter,
  requirePreview,
} from './action.ts'

const cancellable: readonly RequestState[] = ['waiting', 'running']

/** Actions on one request, or on all that a filter finds. */
export const requestActions = {
  cancel: {
    title: 'Cancel',
    does: 'Ends waiting requests, for everybody who asked for them, and asks running ones to stop. Rows already written stay.',
    isGrave: true,
    preview: (context, wanted) => previewRequests(context, wanted, statesOf(wanted, cancellable)),
    async carry(context, wanted) {
      const ids = await idsOf(context, wanted, statesOf(wanted, cancellable))
      const cancelled = await cancelMany(context.reading, ids, context.signal)
      return cancelled.filter(({ changed }) => changed).length
    },
  },
  retry: {
    title: 'Retry',
    does: 'Makes each request again, once. Equal ones become one.',
    preview: (context, wanted) => previewRequests(context, wanted, retried(wanted)),
    async carry(context, wanted) {
      const { viewer, signal, reading } = context
      const ids = await idsOf(context, wanted, retried(wanted))
      const made = await retryMany(reading, ids, { caller: viewer.caller ?? dashboard, signal })
      if (wanted.id !== undefined && made.length === 0) {
        throw new UsageError({
          found: `Request ${wanted.id} was repeated already, or has not ended`,
          remedy: 'look at the newest requests of its job',
        })
      }
      return made.length
    },
  },
} satisfies Readonly<Record<string, Action>>

function statesOf({ state }: Wanted, allowed: readonly RequestState[]): readonly RequestState[] {
  if (state === undefined) return allowed
  if (allowed.includes(state)) return [state]
  throw new UsageError({
    found: `This isn't possible for requests that are ${state}`,
    remedy: `choose ${allowed.join(' or ')}`,
  })
}

/** A filter without a state finds failed requests; a single request may have any of these states. */
function retried(wanted: Wanted): readonly RequestState[] {
  const all: readonly RequestState[] = ['failed', 'cancelled', 'done']
  return wanted.id !== undefined ? all : statesOf(wanted, wanted.state === undefined ? ['failed'] : all)
}

async function previewRequests(
  { reading, operations, viewer }: ActionContext,
  wanted: Wanted,
  states: readonly RequestState[],
): Promise<Preview> {
  if (wanted.id !== undefined) {
    const { id, account, job, state } = await operations.getRequest({ id: wanted.id }, callOf(viewer))
    const isMeant = states.includes(state)
    return { total: isMeant ? 1 : 0, unit: 'requests', sample: [`${account} · ${job} · ${state} · ${id}`] }
  }
  requireFilter(wanted)
  const { total, newest } = await countRequests(reading, groupOf(wanted, states))
  if (total === mostCounted) throw tooMany()
  return { total, unit: 'requests', sample: [], upTo: newest ?? undefined }
}

async function idsOf(
  { reading }: ActionContext,
  wanted: Wanted,
  states: readonly RequestState[],
): Promise<readonly string[]> {
  if (wanted.id !== undefined) return [wanted.id]
  requireFilter(wanted)
  const upTo = requirePreview(wanted)
  return findRequestIds(reading, { ...groupOf(wanted, states), upTo, limit: mostCounted })
}

function groupOf({ account, job }: Wanted, states: readonly RequestState[]): RequestGroup {
  return { account, job, states, repeatable: true }
}

function tooMany(): UsageError {
  return new UsageError({
    found: `The filter finds ${mostCounted} requests or more`,
    remedy: 'narrow it to an account or a job',
  })
}
