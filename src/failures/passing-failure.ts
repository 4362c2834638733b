import { isError } from '../errors.ts'
import { isLostNetwork } from './network-failure.ts'
import { isPassingError } from './sql-state.ts'

/**
 * Whether an error of a library is temporary and not the job's fault: a server that is unreachable, restarts or is out of resources,
 * or a connection that couldn't be opened.
 */
export function isPassingFailure(error: unknown): boolean {
  if (!isError(error)) return false
  return isPassingError(error) || isLostNetwork(error) || codeless.has(error.message)
}

/** Complete messages of node-postgres and its pool that have no code. */
const codeless: ReadonlySet<string> = new Set([
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Query read timeout',
])
