import type { Counts } from '../guards.ts'
import type { PatientClient } from '../http-client.ts'
import type { Fault, PlannedKind } from '../plan.ts'
import type { Workers } from '../workers.ts'
import type { Backend, World } from '../world.ts'

/** What a fault works on. */
export interface Scene {
  readonly world: World
  readonly workers: Workers
  readonly guards: Counts
  /** Something that a fault found violated, such as a worker that SIGTERM didn't end in time. */
  violate(promise: string, found: string): void
  /** Of times by the clock, for this machine as slow as it is now. */
  bound(ms: number): number
  readonly client: PatientClient
}

export type Mend = () => Promise<void> | void

export interface FaultKind extends PlannedKind {
  /** Where it can happen; default everywhere. */
  readonly backends?: readonly Backend[]
  /** Needs the library that lies about the time. */
  readonly needsTimeLibrary?: boolean
  /** @returns how it is mended, after its time */
  begin(scene: Scene, fault: Fault): Promise<Mend> | Mend
}
