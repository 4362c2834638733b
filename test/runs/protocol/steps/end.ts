import assert from 'node:assert/strict'
import { endRun } from '../../../../src/runs/end-run.ts'
import { type Asks, nextId } from '../asks.ts'
import { type EndingName, endingOf, isEnding } from '../endings.ts'
import { expectClaim, hasFreeWork, holdsOf, nameOf } from '../expected.ts'
import { type Hand, isOfLine, type State, successorOf, type Worker } from '../state.ts'
import { type Check, mayHappen, type Transition, type WorkerSetting, type World } from '../transition.ts'
import { handOf, noteRun } from './claim.ts'

export function* ends(setting: WorkerSetting): Generator<Transition> {
  const { world, asks, state, name, here, own } = setting
  for (const [at, hand] of here.hands.entries()) {
    for (const ending of endingsOf(world, state, hand)) {
      for (const isLost of mayHappen(setting, 'end unanswered') ? [false, true] : [false]) {
        for (const goesOn of hand.ending === null && here.hands.length === 1 && !hand.foreground
          ? [false, true]
          : [false])
          yield {
            label: `${name} ends ${hand.job} with ${ending}${goesOn ? ' and goes on' : ''}${isLost ? ', and the answer is lost' : ''}`,
            kind: isLost ? 'fault' : ending === 'done' || ending === 'stopped' || hand.ending ? 'progress' : 'choice',
            call: draft => end(asks, draft, own(draft), { at, ending, isLost, goesOn }),
          }
      }
    }
  }
}

function* endingsOf(world: World, state: State, hand: Hand): Generator<EndingName> {
  if (hand.ending !== null) {
    if (isEnding(hand.ending)) yield hand.ending
    return
  }
  if (hand.aborted) yield 'stopped'
  yield 'done'
  if (hand.aborted) return
  for (const ending of world.endings) {
    if (ending === 'again' && hand.failures > 0) continue
    if (['outage', 'limited', 'refused', 'wait'].includes(ending) && state.left.holds === 0) continue
    if (ending === 'steps' && hand.job !== 'bootstrap-account') continue
    yield ending
  }
}

async function end(
  asks: Asks,
  draft: State,
  own: Worker,
  { at, ending: name, isLost, goesOn }: { at: number; ending: EndingName; isLost: boolean; goesOn: boolean },
): Promise<Check> {
  const hand = own.hands[at]
  assert(hand)
  const ending = endingOf(name, hand)
  if (hand.ending === null && ['outage', 'limited', 'refused', 'wait'].includes(name)) draft.left.holds -= 1
  const key = `${hand.run} ${JSON.stringify(ending)}`
  const alone = await asks.end(draft.store, key, store => endRun(store, hand.run, ending))
  const { answer: ended, after: rows } = goesOn
    ? await asks.end(draft.store, `${key} and goes on`, store =>
        endRun(store, hand.run, ending, { id: nextId, yields: false }),
      )
    : alone
  draft.store = rows
  if (isLost) {
    draft.left.faults -= 1
    hand.ending = name
  } else {
    own.hands.splice(at, 1)
    if (ended?.next) own.hands.push(handOf(nextId, ended.next))
  }
  if (ended?.next) noteRun(draft, ended.next.requestId)
  return (before, after) => {
    const lease = before.store.leases.find(
      ({ run, intact }) => run === hand.run && (intact || ending.run === 'interrupted'),
    )
    const recorded = before.store.runs.find(({ id }) => id === hand.run)?.state
    assert.equal(
      ended !== undefined,
      lease !== undefined || recorded === ending.run,
      'an end is refused exactly when the lease was lost',
    )
    if (!lease) {
      assert.deepEqual(after.store, before.store, 'an end without the lease changes nothing')
      return
    }
    if (goesOn) {
      const { verdict, request } = expectClaim(alone.after, hand, {
        process: lease.process,
        slots: Number.POSITIVE_INFINITY,
      })
      assert.equal(
        ended?.next?.requestId,
        verdict === 'run' ? request?.id : undefined,
        'who goes on gets what a claim would',
      )
    }
    assert.equal(after.store.leases.find(isOfLine(hand))?.run, ended?.next && nextId, 'the lease and its slot are free')
    assert.equal(after.store.runs.find(({ id }) => id === hand.run)?.state, ending.run)
    const was = before.store.requests.find(row => row.run === hand.run)
    const settled = alone.after
    const is = settled.requests.find(row => row.id === was?.id)
    assert(was && is)
    if (ending.request !== 'waiting') assert.equal(is.state, ending.request)
    else if (was.cancelling) assert.equal(is.state, 'cancelled', 'what was cancelled does not wait again')
    else {
      const equal = before.store.requests.find(
        row => isOfLine(was)(row) && row.hash === was.hash && row.state === 'waiting' && row.reserved === null,
      )
      assert.equal(is.state, equal ? 'superseded' : 'waiting')
      const waits = successorOf(settled, was.id)
      assert(waits)
      if (equal) assert(waits.place <= equal.place, 'the equal one takes over the earlier place')
      if (ending.steps === undefined && waits.state === 'waiting' && equal?.priority !== 'high') {
        const isLater = ending.pauseMs > 0 || equal?.due === 'later'
        if (equal?.due !== 'steps' && equal?.due !== 'due') {
          assert.equal(waits.due, isLater ? 'later' : 'ready', 'it waits again for as long as its pause')
        }
      }
      assert(waits.failures >= ending.failures, 'failures in a row are counted')
    }
    if (ending.hold) {
      const job = ending.hold.scope === 'account' ? '' : hand.job
      const hold = after.store.holds.find(row => row.account === hand.account && row.job === job)
      assert.equal(hold?.probe, 'later', 'what it met is held')
      if (ending.hold.pauseMs > 0) assert.equal(hold?.asked, 'later', 'what the API asked for is remembered')
    }
    for (const hold of before.store.holds) {
      if (hold.asked !== 'later') continue
      const still = after.store.holds.find(row => row.account === hold.account && row.job === hold.job)
      assert.equal(still?.asked, 'later', 'a pause that the API asked for is lifted by nobody')
    }
    if (ending.lifts) {
      for (const hold of holdsOf(after.store, hand)) assert.equal(hold.asked, 'later', 'what was held is over')
    }
    const { wake = [] } = ended ?? {}
    if (!ended?.next)
      assert.equal(wake.length > 0, hasFreeWork(after.store, hand.account), 'who waits for the slot is woken')
    for (const line of wake) assert(hasFreeWork(after.store, line.account), `${nameOf(line)} has work`)
  }
}
