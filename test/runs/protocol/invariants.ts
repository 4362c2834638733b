import { isOfLine, isOpen, type State, successorOf } from './state.ts'

/** What is wrong with a state, whatever led to it. */
export function* violationsOf(state: State, slots: number): Generator<string> {
  const { store, wishes } = state
  for (const row of store.requests) {
    const lease = store.leases.find(isOfLine(row))
    if (row.state === 'running') {
      if (!lease || lease.run !== row.run) yield `${row.id} runs without the lease of its line`
      if (!store.runs.some(run => run.id === row.run && run.request === row.id && run.state === 'running'))
        yield `${row.id} runs, and none of the running runs is its own`
    } else if (row.run !== null) yield `${row.id} is ${row.state} and names a run`
    if (isOpen(row) === row.ended)
      yield `${row.id} is ${row.state} and ${row.ended ? 'has' : 'has no'} instant of its end`
    if (row.state === 'waiting' && row.cancelling) yield `${row.id} waits though it was cancelled while it ran`
    if ((row.state === 'superseded') !== (row.successor !== null))
      yield `${row.id} is ${row.state} and its successor ${row.successor}`
    if (row.state === 'superseded') {
      const successor = successorOf(store, row.id)
      if (successor?.hash !== row.hash) yield `${row.id} was superseded by what isn't equal`
    }
    if (row.state === 'waiting' && row.due === 'steps') {
      const steps = store.requests.filter(step => step.bootstrap === row.id && isOpen(step))
      if (steps.length === 0) yield `${row.id} waits for steps of which there are none`
    }
    if (row.state === 'waiting' && row.reserved === null) {
      const equal = store.requests.filter(
        other =>
          isOfLine(row)(other) && other.state === 'waiting' && other.reserved === null && other.hash === row.hash,
      )
      if (equal.length > 1) yield `${row.id} waits beside an equal one`
    }
  }
  for (const lease of store.leases) {
    const running = store.requests.filter(row => isOfLine(lease)(row) && row.state === 'running')
    if (running.length !== 1 || running[0]?.run !== lease.run)
      yield `the lease of ${lease.job} is held for nothing that runs`
    if (lease.slot < 1 || lease.slot > slots) yield `the lease of ${lease.job} has slot ${lease.slot} of ${slots}`
    const same = store.leases.filter(other => other.account === lease.account && other.slot === lease.slot)
    if (same.length > 1) yield `slot ${lease.slot} of ${lease.account} is taken twice`
  }
  for (const run of store.runs) {
    if (run.state === 'running' && !store.leases.some(lease => lease.run === run.id))
      yield `${run.id} runs without a lease`
  }
  for (const { name, request, owed } of wishes) {
    const row = successorOf(store, request)
    if (!row) yield `what ${name} was told of is gone`
    else if (row.state === 'done' && owed)
      yield `what ${name} asked for is done, and nothing has run since it was asked for`
  }
  for (const { key, request } of store.keys) {
    if (!store.requests.some(row => row.id === request)) yield `key ${key} stands for a request that is gone`
  }
}
