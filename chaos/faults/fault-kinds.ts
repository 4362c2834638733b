import type { Backend } from '../world.ts'
import type { FaultKind } from './fault-kind.ts'
import { networkFaults } from './network-faults.ts'
import { postgresFaults } from './postgres-faults.ts'
import { receiverFaults } from './receiver-faults.ts'
import { redisFaults } from './redis-faults.ts'
import { remoteFaults } from './remote-faults.ts'
import { workerFaults } from './worker-faults.ts'

/** Every kind that is possible on this backend. */
export function faultKinds(backend: Backend, hasTimeLibrary: boolean): readonly FaultKind[] {
  return [
    ...workerFaults,
    ...networkFaults,
    ...redisFaults,
    ...postgresFaults,
    ...remoteFaults,
    ...receiverFaults,
  ].filter(kind => (kind.backends?.includes(backend) ?? true) && (hasTimeLibrary || !kind.needsTimeLibrary))
}
