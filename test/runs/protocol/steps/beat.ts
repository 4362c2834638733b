import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { isAlive } from '../expected.ts'
import type { Transition, WorkerSetting } from '../transition.ts'

export function* beats({ asks, name, here, own }: WorkerSetting): Generator<Transition> {
  yield {
    label: `${name} beats`,
    kind: 'progress',
    async call(draft) {
      const runs = here.hands.map(({ run }) => run)
      const { answer, after: rows } = await asks.beat(draft.store, `${here.id} ${runs}`, async store => {
        const { rows } = await sql<{ kind: string; run_id: string | null }>`
          select kind, run_id from worker.beat(${here.id}, 'model', 1, 6, ${runs}::uuid[])`.execute(store)
        return rows
      })
      draft.store = rows
      const told = (kind: string) => answer.filter(row => row.kind === kind).map(row => row.run_id)
      for (const hand of own(draft).hands) {
        if (told('cancel').includes(hand.run)) hand.aborted = 'cancel'
        if (told('lost').includes(hand.run)) hand.aborted = 'lost'
      }
      return (before, after) => {
        assert(isAlive(after.store, here.id), 'who beats is alive')
        for (const hand of here.hands) {
          const isLost = !before.store.leases.some(lease => lease.run === hand.run && lease.intact)
          const isCancelled = before.store.requests.some(row => row.run === hand.run && row.cancelling)
          assert.equal(told('lost').includes(hand.run), isLost, 'a run that lost its lease is told, and no other')
          assert.equal(
            told('cancel').includes(hand.run),
            isCancelled,
            'a run that is to be stopped is told, and no other',
          )
        }
      }
    },
  }
}
