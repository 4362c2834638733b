import { isLostNetwork } from './network-failure.ts'
import { isPassingSqlState, sqlStateOf } from './sql-state.ts'

/**
 * Whether what a library threw at a job may be over without anybody's doing: a server that is away, restarts or has no room, and
 * a connection that couldn't be had. None of it says that the job has a fault.
 */
export function isPassingFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return isPassingSqlState(sqlStateOf(error)) || isLostNetwork(error) || codeless.has(error.message)
}

/** What node-postgres and its pool say without a code, in whole. */
const codeless: ReadonlySet<string> = new Set([
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Query read timeout',
])
