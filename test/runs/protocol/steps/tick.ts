import assert from 'node:assert/strict'
import { makeTicks } from '../../../../src/schedules/scheduler.ts'
import { captureLog } from '../../../fixtures/captured-log.ts'
import type { Asks } from '../asks.ts'
import { instantOf } from '../model-store.ts'
import { isOfLine, type State, type Worker } from '../state.ts'
import type { Check, Transition, WorkerSetting } from '../transition.ts'

export function* ticks({ asks, name, here, own }: WorkerSetting): Generator<Transition> {
  const { tick } = here
  if (tick) {
    yield {
      label: `${name} makes a tick`,
      kind: 'progress',
      call: draft => makeTick(asks, draft, own(draft), tick),
    }
  }
}

async function makeTick(
  asks: Asks,
  draft: State,
  own: Worker,
  tick: { account: string; job: string; due: number },
): Promise<Check> {
  own.tick = null
  const { account, job } = tick
  const schedules = [{ account, job, rule: { everySeconds: 3_600 } }]
  const due = [{ account, job, dueAt: instantOf(tick.due) }]
  const { after: rows } = await asks.tick(draft.store, JSON.stringify(tick), store =>
    makeTicks(
      { store, log: captureLog().log, wake() {}, observer: { requestAccepted() {} } },
      schedules,
      due,
      new Date(),
    ),
  )
  draft.store = rows
  return (before, after) => {
    const was = before.store.schedules.find(isOfLine(tick))
    const is = after.store.schedules.find(isOfLine(tick))
    if (was?.due !== tick.due) {
      assert.deepEqual(after.store, before.store, 'a tick that another process has made is none')
      return
    }
    assert.equal(is?.due, 0, 'a tick moves its schedule')
    const waits = after.store.requests.filter(row => isOfLine(tick)(row) && row.state === 'waiting')
    assert.equal(waits.length, 1, 'a tick has its request')
  }
}
