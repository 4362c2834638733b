import type { JobDefinition } from '../definitions/define-job.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import type { ClaimedRun } from './claim-run.ts'
import type { PacedProgress } from './pace.ts'

/** A claimed run, with what it needs to go through the gate and its job. */
export interface Execution extends ClaimedRun {
  readonly job: JobDefinition
  readonly access: AccountAccess
  /** Default false. */
  readonly dryRun?: boolean
  readonly signal: AbortSignal
  /** Told at each report; what is told to everybody is stored now and then. */
  readonly onProgress?: (progress: PacedProgress) => void
}
