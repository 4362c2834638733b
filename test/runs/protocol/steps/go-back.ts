import { mayHappen, type Setting, type Transition } from '../transition.ts'

/** The store becomes what it was at any time before. */
export function* goingBack(setting: Setting): Generator<Transition> {
  const { dump } = setting.state
  if (!mayHappen(setting, 'store goes back')) return
  yield {
    label: 'a dump is made',
    kind: 'choice',
    change(draft) {
      draft.dump = { store: draft.store, wishes: draft.wishes }
    },
  }
  if (!dump) return
  yield {
    label: 'the dump is restored',
    kind: 'fault',
    change(draft) {
      draft.left.faults -= 1
      const leases = dump.store.leases.map(lease => ({ ...lease, intact: false }))
      Object.assign(draft, { store: { ...dump.store, leases }, wishes: dump.wishes, dump: null })
    },
  }
}
