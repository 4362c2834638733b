import { listAccounts } from './accounts.ts'
import { listChanges } from './changes.ts'
import { forget, reset } from './forgetting.ts'
import { receiveCron, receiveEvent } from './hasura-triggers.ts'
import { listHolds, probeHolds } from './holds.ts'
import { listJobs } from './jobs.ts'
import type { AnyOperation, Ask, Call } from './operation.ts'
import { cancelRequests, findRequestIds, retryRequests } from './request-groups.ts'
import { cancelRequest, getRequest, listRequests, makeRequest, retryRequest } from './requests.ts'
import { listMirrorRows } from './rows.ts'
import { listRuns, run } from './runs.ts'
import { listSchedules, pauseSchedule } from './schedules.ts'
import { hasWorker, ping } from './worker.ts'

/** Everything that may be asked of a worker, by name. */
export const registry = {
  makeRequest,
  getRequest,
  listRequests,
  findRequestIds,
  cancelRequest,
  retryRequest,
  cancelRequests,
  retryRequests,
  run,
  listRuns,
  listJobs,
  listAccounts,
  listHolds,
  probeHolds,
  listSchedules,
  pauseSchedule,
  listChanges,
  listMirrorRows,
  receiveEvent,
  receiveCron,
  reset,
  forget,
  hasWorker,
  ping,
}

/**
 * What may be asked of a worker. Carried out in this process, or by the owner of the embedded database through its control
 * socket: the callers can't tell the difference.
 */
export type Operations = { readonly [Name in keyof typeof registry]: Ask<(typeof registry)[Name]> }

type AnyAsk = (input: object, call: Partial<Call<unknown>>) => Promise<unknown>

/** Carries out any operation; what it resolves to fits the operation's output. */
export type Carry = (operation: AnyOperation, input: object, call: Call<unknown>) => Promise<unknown>

/** The operations, carried out by one function. */
export function createOperations(carry: Carry): Operations {
  const asks = Object.entries<AnyOperation>(registry).map(([name, operation]): [string, AnyAsk] => [
    name,
    (input = {}, { signal = new AbortController().signal, caller, trace, onEvent = () => {} } = {}) =>
      carry(operation, input, { signal, caller, trace, onEvent }),
  ])
  // No type can tell that the entries of a mapped type are all there: the registry has just been walked.
  return Object.fromEntries(asks) as unknown as Operations
}

/** For a door, which treats all operations alike: the input has to be parsed by the operation's schema. */
export function askOf(operations: Operations, name: keyof Operations): AnyAsk {
  const asks = operations as unknown as Readonly<Record<keyof Operations, AnyAsk>>
  return asks[name]
}

export function listOperations(
  operations: Operations,
): readonly { name: keyof Operations; operation: AnyOperation; ask: AnyAsk }[] {
  return listNames().map(name => ({ name, operation: registry[name], ask: askOf(operations, name) }))
}

function listNames(): readonly (keyof Operations)[] {
  // The keys of an object that nothing extends.
  return Object.keys(registry) as (keyof Operations)[]
}
