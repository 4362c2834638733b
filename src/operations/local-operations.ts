import { createRequestEnds } from '../runs/request-ends.ts'
import { narrowTo } from './bound-caller.ts'
import type { OperationDeps } from './operation.ts'
import { createOperations, type Operations } from './registry.ts'
import { parseValue } from './values.ts'

/** The operations on this process's own store. */
export function createLocalOperations({ deps, tickets }: Omit<OperationDeps, 'ends' | 'only'>): Operations {
  const app = { deps, tickets, ends: createRequestEnds(deps) }
  return createOperations(async (operation, input, call) =>
    operation.run(narrowTo(app, call.caller), parseValue(operation.input, input, 'input'), call),
  )
}
