import { createAsks } from './asks.ts'
import { violationsOf } from './invariants.ts'
import type { ModelStore } from './model-store.ts'
import { canonical, isOpen, type State, type StoreRows } from './state.ts'
import type { Transition, World } from './transition.ts'
import { transitionsOf } from './transitions.ts'

export interface Explored {
  readonly states: number
  readonly transitions: number
}

interface Node {
  readonly key: string
  /** The first way here. */
  readonly from: { readonly node: Node; readonly label: string } | undefined
  /** Those that get here without anybody's doing or misfortune. */
  readonly before: Set<Node>
}

/**
 * Visits every reachable state of a world, breadth first, so that what is told of a violation is a shortest way to it.
 *
 * @throws Error with the steps to a state that breaks an invariant, to a step whose outcome isn't the expected one, or to a state
 * from which not all requests can end
 */
export async function explore(model: ModelStore, world: World, mostStates = 100_000): Promise<Explored> {
  const nodes = new Map<string, Node>()
  const queue: Node[] = []
  const asks = createAsks(model)
  let transitions = 0

  function visit(state: State, from: Node['from'], isProgress: boolean): void {
    const key = canonical(state)
    let node = nodes.get(key)
    if (!node) {
      node = { key, from, before: new Set() }
      for (const violation of violationsOf(stateOf(node), world.slots)) throw tell(node, violation)
      nodes.set(key, node)
      queue.push(node)
      if (nodes.size > mostStates) throw new Error(`more than ${mostStates} states: the world is too large`)
    }
    if (isProgress && from && from.node !== node) node.before.add(from.node)
  }

  visit(initialState(world), undefined, false)
  for (let node = queue.shift(); node; node = queue.shift()) {
    const state = stateOf(node)
    for (const transition of transitionsOf({ world, asks, state })) {
      transitions += 1
      const from = { node, label: transition.label }
      visit(await step(node, state, transition), from, transition.kind === 'progress')
    }
  }
  requireEnds([...nodes.values()])
  return { states: nodes.size, transitions }
}

/** A copy of its own: parsing is several times as fast as copying. */
function stateOf({ key }: Node): State {
  return JSON.parse(key) as State
}

async function step(node: Node, state: State, transition: Transition): Promise<State> {
  const draft = stateOf(node)
  try {
    transition.change?.(draft)
    const check = await transition.call?.(draft)
    check?.(state, draft)
  } catch (error) {
    const violation = error instanceof Error ? error.message : String(error)
    throw tell(
      { key: JSON.stringify(draft), from: { node, label: transition.label }, before: new Set() },
      violation,
      error,
    )
  }
  return draft
}

function initialState(world: World): State {
  const store: StoreRows = {
    processes: [],
    requests: [],
    keys: [],
    leases: [],
    lines: [],
    runs: [],
    holds: [],
    schedules: world.scheduled ? [{ ...world.scheduled, due: 0 }] : [],
    bootstrapped: [],
  }
  const workers = ['1', '2'].map(n => ({
    id: `00000000-0000-4000-a000-00000000000${n}`,
    hands: [],
    reserved: null,
    tick: null,
  }))
  for (const { id } of workers) store.processes.push({ id, alive: true })
  return { store, dump: null, workers, flights: [], wishes: [], left: world.left }
}

function isQuiet({ store, workers, flights }: State): boolean {
  return (
    !store.requests.some(isOpen) &&
    store.leases.length === 0 &&
    flights.length === 0 &&
    workers.every(({ hands, reserved }) => hands.length === 0 && !reserved)
  )
}

/** From each state there is a way, without faults and without anybody's doing, to one where every request has ended. */
function requireEnds(nodes: readonly Node[]): void {
  const ends = new Set(nodes.filter(node => isQuiet(stateOf(node))))
  const queue = [...ends]
  for (let node = queue.pop(); node; node = queue.pop()) {
    for (const before of node.before) {
      if (ends.has(before)) continue
      ends.add(before)
      queue.push(before)
    }
  }
  const stuck = nodes.find(node => !ends.has(node))
  if (stuck) throw tell(stuck, 'from here on not every request can end')
}

function tell(node: Node, violation: string, cause?: unknown): Error {
  const steps: string[] = []
  for (let at = node.from; at; at = at.node.from) steps.unshift(at.label)
  const text = [violation, ...steps.map((label, n) => `${n + 1}. ${label}`), node.key]
  return new Error(text.join('\n'), { cause })
}
