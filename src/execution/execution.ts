import type { JobDefinition } from '../definitions/define-job.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import type { ClaimedRun } from '../runs/claim-run.ts'
import type { PacedProgress } from './pace.ts'

/** A claimed run, with what the gate and its job need. */
export interface Execution extends ClaimedRun {
  readonly job: JobDefinition
  readonly access: AccountAccess
  /** Default false. */
  readonly dryRun?: boolean
  /** When the claim was asked for, in milliseconds since 1970. */
  readonly claimAskedAt: number
  readonly signal: AbortSignal
  /** Called at each report. The store gets progress only now and then. */
  readonly onProgress?: (progress: PacedProgress) => void
}
