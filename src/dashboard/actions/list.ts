import type { Action } from './action.ts'
import { allowDeletions } from './allow-deletions.ts'
import { lineActions } from './line-actions.ts'
import { probeHolds } from './probe-holds.ts'
import { requestActions } from './request-actions.ts'
import { scheduleActions } from './schedule-actions.ts'

/** By their names in addresses and in the audit. */
export const actions: Readonly<Record<string, Action>> = {
  ...lineActions,
  ...scheduleActions,
  'allow-deletions': allowDeletions,
  probe: probeHolds,
  ...requestActions,
}
