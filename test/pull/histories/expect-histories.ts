import fc from 'fast-check'
import type { TestApp } from '../../fixtures/open-test-app.ts'
import { preferredStore } from '../../fixtures/open-test-app.ts'
import type { TableSandbox } from '../../fixtures/source-table.ts'
import { tableTest } from '../../fixtures/table-test.ts'
import { histories } from './history.ts'
import { playHistory } from './play-history.ts'

export const historyTest = tableTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })
  .extend('appOptions', { scope: 'file' }, { firstLogin: null, jobs: [] })
  .extend('backend', preferredStore)

/**
 * Plays the random histories of a seed; other seeds find more. One that fails is told with its seed and its path, made as short as the time allows; `fc.assert` with both
 * of them plays it again.
 */
export function expectHistories(
  app: TestApp,
  sandbox: TableSandbox,
  { numRuns, forMs, seed }: { readonly numRuns: number; readonly forMs: number; readonly seed: number },
): Promise<void> {
  const property = fc.asyncProperty(histories, history => playHistory(app, sandbox, history))
  return fc.assert(property, { numRuns, seed, interruptAfterTimeLimit: forMs, timeout: 60_000 })
}
