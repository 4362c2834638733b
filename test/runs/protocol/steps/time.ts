import type { Setting, Transition } from '../transition.ts'

export function* passingTime({ state }: Setting): Generator<Transition> {
  const { store } = state
  for (const { id, alive } of store.processes) {
    if (!alive || state.workers.some(worker => worker.id === id)) continue
    yield {
      label: `the killed ${id.at(-1)} is taken for dead`,
      kind: 'progress',
      change(draft) {
        for (const row of draft.store.processes) if (row.id === id) row.alive = false
      },
    }
  }
  if (store.requests.some(row => row.state === 'waiting' && row.due === 'later')) {
    yield {
      label: 'pauses of requests are over',
      kind: 'progress',
      change(draft) {
        for (const row of draft.store.requests) if (row.due === 'later') row.due = 'due'
      },
    }
  }
  if (store.holds.some(hold => hold.probe === 'later')) {
    yield {
      label: 'pauses of holds are over',
      kind: 'progress',
      change(draft) {
        for (const hold of draft.store.holds) {
          hold.probe = 'due'
          if (hold.asked === 'later') hold.asked = 'over'
        }
      },
    }
  }
  if (state.left.ticks > 0 && store.schedules.some(row => row.due === 0)) {
    yield {
      label: 'the schedule is due',
      kind: 'choice',
      change(draft) {
        for (const row of draft.store.schedules) row.due = draft.left.ticks
        draft.left.ticks -= 1
      },
    }
  }
}
