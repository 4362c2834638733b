import { listAccounts } from './accounts.ts'
import { listChanges } from './changes.ts'
import { forget, reset } from './forgetting.ts'
import { receiveCron, receiveEvent } from './hasura-triggers.ts'
import { listHolds, probeHolds } from './holds.ts'
import { listJobs } from './jobs.ts'
import type { AnyOperation, Ask, Call } from './operation.ts'
import { cancelListed, cancelRequests, findRequestIds, retryListed, retryRequests } from './request-groups.ts'
import { cancelRequest, getRequest, listRequests, makeRequest, retryRequest } from './requests.ts'
import { listMirrorRows } from './rows.ts'
import { listRuns, run } from './runs.ts'
import { listSchedules, pauseSchedule } from './schedules.ts'
import { hasWorker, ping } from './worker.ts'

/** All operations of a worker, by name. */
export const registry = {
  makeRequest,
  getRequest,
  listRequests,
  findRequestIds,
  cancelRequest,
  retryRequest,
  cancelRequests,
  retryRequests,
  cancelListed,
  retryListed,
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
 * The operations of a worker, executed in this process, or by the owner of the embedded database through its control socket.
 * Callers can't tell the difference.
 */
export type Operations = { readonly [Name in keyof typeof registry]: Ask<(typeof registry)[Name]> }

type AnyAsk = (input: object, call: Partial<Call<unknown>>) => Promise<unknown>

/** Executes any operation; its result fits the operation's output. */
export type Carry = (operation: AnyOperation, input: object, call: Call<unknown>) => Promise<unknown>

/** The operations, executed by one function. */
export function createOperations(carry: Carry): Operations {
  const asks = Object.entries<AnyOperation>(registry).map(([name, operation]): [string, AnyAsk] => [
    name,
    (input = {}, { signal = new AbortController().signal, caller, trace, onEvent = () => {} } = {}) =>
      carry(operation, input, { signal, caller, trace, onEvent }),
  ])
  // TypeScript can't see that all entries of a mapped type exist; the loop above has visited the whole registry.
  return Object.fromEntries(asks) as unknown as Operations
}

/** For HTTP and the control socket, which treat all operations alike: the input must be parsed by the operation's schema. */
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
