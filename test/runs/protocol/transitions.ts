import type { State } from './state.ts'
import { accepts } from './steps/accept.ts'
import { beats } from './steps/beat.ts'
import { cancels } from './steps/cancel.ts'
import { claims, flights, foregroundRuns } from './steps/claim.ts'
import { ends } from './steps/end.ts'
import { goingBack } from './steps/go-back.ts'
import { looks } from './steps/look.ts'
import { misfortunes } from './steps/misfortune.ts'
import { runSteps } from './steps/run.ts'
import { ticks } from './steps/tick.ts'
import { passingTime } from './steps/time.ts'
import type { Setting, Transition, WorkerSetting } from './transition.ts'

/** All that may happen next: one step of a caller, of an operator, of a worker, of a statement on its way, or of time. */
export function* transitionsOf(setting: Setting): Generator<Transition> {
  yield* accepts(setting)
  yield* cancels(setting)
  for (const worker of workersOf(setting)) {
    yield* beats(worker)
    yield* looks(worker)
    yield* claims(worker)
    yield* foregroundRuns(worker)
    yield* runSteps(worker)
    yield* ends(worker)
    yield* ticks(worker)
    yield* misfortunes(worker)
  }
  yield* flights(setting)
  yield* goingBack(setting)
  yield* passingTime(setting)
}

function workersOf(setting: Setting): readonly WorkerSetting[] {
  return setting.state.workers.map((here, index) => ({
    ...setting,
    name: `worker ${here.id.at(-1)}`,
    here,
    own(draft: State) {
      const own = draft.workers[index]
      if (!own) throw new TypeError('A draft has the workers of its state')
      return own
    },
  }))
}
