import assert from 'node:assert/strict'
import { sql } from 'kysely'
import type { Asks, LookRow } from '../asks.ts'
import { expectWakes, isAlive, nameOf } from '../expected.ts'
import { lastLookAt } from '../model-store.ts'
import type { Hand, State, Worker } from '../state.ts'
import type { Check, Transition, WorkerSetting, World } from '../transition.ts'

export function* looks({ world, asks, state, name, here, own }: WorkerSetting): Generator<Transition> {
  for (const isStale of [false, true]) {
    const young = (hand: Hand) => state.store.leases.some(lease => lease.run === hand.run && lease.taken === 'after')
    if (isStale && !here.hands.some(young)) continue
    const runs = here.hands.filter(hand => !isStale || !young(hand)).map(({ run }) => run)
    yield {
      label: `${name} looks${isStale ? ', having asked before its last claim' : ''}`,
      kind: 'progress',
      call: draft => look(world, asks, draft, own(draft), runs),
    }
  }
}

async function look(world: World, asks: Asks, draft: State, own: Worker, runs: readonly string[]): Promise<Check> {
  const { answer, after: looked } = await asks.look(draft.store, `${own.id} ${runs}`, async store => {
    const { rows } = await sql<LookRow>`select kind, account, job, due_at from worker.look(
      ${own.id}, ${runs}::uuid[], ${lastLookAt}::timestamptz, 100, 100)`.execute(store)
    return rows
  })
  // From now on its claims are older than its last look.
  const leases = looked.leases.map(lease => (lease.process === own.id ? { ...lease, taken: 'before' as const } : lease))
  draft.store = { ...looked, leases }
  const due = answer.find(({ kind }) => kind === 'tick')
  if (due?.due_at) own.tick = { account: due.account, job: due.job, due: due.due_at.getUTCDate() }
  return (before, after) => {
    for (const lease of before.store.leases) {
      const isForgotten = lease.process === own.id && !runs.includes(lease.run) && lease.taken === 'before'
      const isOver = isForgotten || !isAlive(before.store, lease.process)
      const still = after.store.leases.some(({ run }) => run === lease.run)
      assert.equal(
        still,
        !isOver,
        `a look ends runs of dead processes and forgotten claims, and no others (${lease.job})`,
      )
    }
    for (const row of before.store.requests) {
      const is = after.store.requests.find(({ id }) => id === row.id)
      assert(is)
      if (row.state === 'waiting' && row.due === 'due') assert.equal(is.due, 'ready', 'what is due is ready')
      if (row.state === 'waiting' && row.reserved && !isAlive(before.store, row.reserved))
        assert.equal(is.state, 'failed', 'a foreground run ends with its process')
    }
    assert(answer.some(({ kind }) => kind === 'now'))
    const isKnown = before.store.processes.some(({ id }) => id === own.id)
    assert.equal(
      answer.some(({ kind }) => kind === 'unserved'),
      !isKnown,
      'it tells a process that its lines are not known',
    )
    const wakes = answer.filter(({ kind }) => kind === 'wake').map(nameOf)
    assert.deepEqual(
      wakes.toSorted(),
      isKnown ? expectWakes(after.store, world.lines, world.slots) : [],
      'it tells of the lines that may be claimed',
    )
    const { scheduled } = world
    const isDue = before.store.schedules.some(row => row.due > 0)
    assert.equal(
      due !== undefined,
      scheduled !== undefined && isDue && isKnown,
      'it tells of the schedules that are due',
    )
  }
}
