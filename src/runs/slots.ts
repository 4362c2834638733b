import type { Account } from '../account.ts'
import type { JobDefinition } from '../definitions/define-job.ts'

/** Some of an account's slots, of which each run takes one, over all processes. */
export interface SlotRange {
  readonly firstSlot: number
  readonly slots: number
}

/** Runs that ask the API at a time, where the account says nothing else. */
const defaultRuns = 4
/** No account has as many of the others; of its webhooks each has a slot. */
const ofWebhooks: SlotRange = { firstSlot: 1_001, slots: 1_000 }

/** Which slots the runs of a job may take. */
export function slotsOf({ limits }: Pick<Account, 'limits'>, job: Pick<JobDefinition, 'waitsFor'>): SlotRange {
  if (job.waitsFor === 'receiver') return ofWebhooks
  return { firstSlot: 1, slots: limits?.concurrentRuns ?? defaultRuns }
}
