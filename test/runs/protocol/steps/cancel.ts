import assert from 'node:assert/strict'
import { cancelRequest } from '../../../../src/runs/requests.ts'
import { isOpen, successorOf } from '../state.ts'
import type { Setting, Transition } from '../transition.ts'

export function* cancels({ asks, state }: Setting): Generator<Transition> {
  if (state.left.cancels === 0) return
  for (const { name, request } of state.wishes) {
    const target = successorOf(state.store, request)
    if (!target || !isOpen(target)) continue
    yield {
      label: `${name} is cancelled`,
      kind: 'choice',
      async call(draft) {
        draft.left.cancels -= 1
        const { answer, after: rows } = await asks.cancel(draft.store, request, store => cancelRequest(store, request))
        draft.store = rows
        return (_before, after) => {
          const now = after.store.requests.find(row => row.id === target.id)
          if (target.state === 'waiting') {
            assert.equal(answer, 'cancelled')
            assert.equal(now?.state, 'cancelled', 'what waits is cancelled at once')
          } else {
            assert.equal(answer, 'running')
            assert.equal(now?.cancelling, true, 'what runs is to be stopped')
          }
        }
      },
    }
  }
}
