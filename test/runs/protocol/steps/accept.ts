import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { acceptRequest } from '../../../../src/runs/requests.ts'
import { isOfLine } from '../state.ts'
import type { Setting, Transition } from '../transition.ts'

export function* accepts({ world, asks, state }: Setting): Generator<Transition> {
  for (const [name, request] of Object.entries(world.wishes)) {
    if (state.wishes.some(wish => wish.name === name)) continue
    yield {
      label: `${name} is asked for`,
      kind: 'choice',
      async call(draft) {
        const { answer: accepted, after: rows } = await asks.accept(draft.store, name, store =>
          acceptRequest(store, request),
        )
        const { conflict, wake } = accepted
        draft.store = rows
        const key = state.store.keys.find(
          ({ key, caller }) => key === request.idempotencyKey && caller === request.caller,
        )
        draft.wishes.push({ name, request: key?.request ?? accepted.id, owed: key === undefined })
        return (before, after) => {
          const now = after.store.requests.find(row => row.id === accepted.id)
          assert(now, 'what was accepted is in the store')
          if (key) {
            assert.equal(accepted.id, key.request, 'a known key answers with its request')
            assert.equal(
              conflict,
              !isDeepStrictEqual(now.payload, request.payload),
              'another payload under a key is a conflict',
            )
            assert.deepEqual(after.store.requests, before.store.requests, 'a known key adds nothing')
            return
          }
          const equal = before.store.requests.find(
            row => isOfLine(request)(row) && row.state === 'waiting' && row.reserved === null && row.hash === now.hash,
          )
          assert.equal(accepted.absorbed, equal !== undefined, 'it is absorbed exactly when an equal one waits')
          if (equal) {
            assert.equal(accepted.id, equal.id, 'the equal one that waits absorbs it')
            const isShortened = request.priority === 'high' && equal.due !== 'steps'
            assert.equal(now.due, isShortened ? 'ready' : equal.due, 'a pause is shortened by an urgent request alone')
          }
          assert.deepEqual(after.store.holds, before.store.holds, 'a request changes no hold')
          assert.equal(wake.length > 0, !before.store.leases.some(isOfLine(request)), 'a free line is woken')
        }
      },
    }
  }
}
