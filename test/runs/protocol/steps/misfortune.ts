import { newId } from '../asks.ts'
import { isAlive } from '../expected.ts'
import { mayHappen, type Transition, type WorkerSetting } from '../transition.ts'

/** What may happen to a process. */
export function* misfortunes(setting: WorkerSetting): Generator<Transition> {
  const { state, name, here, own } = setting
  if (mayHappen(setting, 'killed')) {
    yield {
      label: `${name} is killed, and another one started`,
      kind: 'fault',
      change(draft) {
        draft.left.faults -= 1
        Object.assign(own(draft), { id: newId, hands: [], reserved: null, tick: null })
        draft.store.processes.push({ id: newId, alive: true })
      },
    }
  }
  if (mayHappen(setting, 'silent') && isAlive(state.store, here.id)) {
    yield {
      label: `${name} isn't heard of for too long`,
      kind: 'fault',
      change(draft) {
        draft.left.faults -= 1
        for (const row of draft.store.processes) if (row.id === here.id) row.alive = false
      },
    }
  }
}
