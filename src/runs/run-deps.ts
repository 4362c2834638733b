import type { JobDefinition } from '../definitions/define-job.ts'
import type { SettingsSource } from '../definitions/job-settings.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import type { FirstLoginDefinition } from '../gate/first-login.ts'
import type { Log } from '../log.ts'
import type { Observer } from '../observer/observer.ts'
import type { WorkerProcess } from '../process/process.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import type { Wake } from './line.ts'

/** What making and running requests needs; wired in one place. */
export interface RunDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Observes runs. */
  readonly observer: Observer
  readonly process: WorkerProcess
  readonly wake: Wake
  readonly jobs: ReadonlyMap<string, JobDefinition>
  readonly accounts: ReadonlyMap<string, AccountAccess>
  readonly firstLogin: FirstLoginDefinition | undefined
  /** The folder with the SDL of each role. */
  readonly schemaFolder: URL
  readonly settings: SettingsSource
}
