import assert from 'node:assert/strict'
import { LeaseLostError } from '../../../../src/errors.ts'
import { liftGateHolds } from '../../../../src/holds/holds.ts'
import { fencedTransaction } from '../../../../src/runs/lease.ts'
import { holdsOf } from '../expected.ts'
import type { Transition, WorkerSetting } from '../transition.ts'

/** What a run does between its claim and its end. */
export function* runSteps({ asks, state, name, here }: WorkerSetting): Generator<Transition> {
  for (const hand of here.hands) {
    if (hand.probed && hand.ending === null && holdsOf(state.store, hand).some(({ metBy }) => metBy === 'gate')) {
      yield {
        label: `${name} passes the gate with ${hand.job}`,
        kind: 'progress',
        async call(draft) {
          const { after: rows } = await asks.lift(draft.store, hand.job, store =>
            liftGateHolds(store, hand.account, hand.job).then(lifted => lifted.length > 0),
          )
          draft.store = rows
          return (_before, after) => {
            for (const hold of holdsOf(after.store, hand)) {
              assert(hold.metBy === 'run' || hold.asked === 'later', 'what the gate had met is over')
            }
          }
        },
      }
    }
    if (!state.store.leases.some(lease => lease.run === hand.run && lease.intact)) {
      yield {
        label: `${name} writes though ${hand.job} was taken from it`,
        kind: 'progress',
        async call(draft) {
          const lease = { account: hand.account, job: hand.job, runId: hand.run }
          const { answer: isRefused } = await asks.write(draft.store, hand.run, store =>
            fencedTransaction(store, lease, async () => false).catch(error => error instanceof LeaseLostError),
          )
          assert(isRefused, 'a run without the lease of its line commits nothing')
          return () => {}
        },
      }
    }
  }
}
