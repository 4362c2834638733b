import type { Counts } from '../guards.ts'
import type { PatientClient } from '../http-client.ts'
import type { Fault, PlannedKind } from '../plan.ts'
import type { Workers } from '../workers.ts'
import type { Backend, World } from '../world.ts'

/** What a fault acts on. */
export interface Scene {
  readonly world: World
  readonly workers: Workers
  readonly guards: Counts
  /** Reports a violation that a fault found, such as a worker that SIGTERM didn't end in time. */
  violate(promise: string, found: string): void
  /** Scales a time limit to the machine's current speed. */
  bound(ms: number): number
  readonly client: PatientClient
}

export type Mend = () => Promise<void> | void

export interface FaultKind extends PlannedKind {
  /** The backends that have it; default all. */
  readonly backends?: readonly Backend[]
  /** Needs libfaketime. */
  readonly needsTimeLibrary?: boolean
  /** @returns its repair */
  begin(scene: Scene, fault: Fault): Promise<Mend> | Mend
}
