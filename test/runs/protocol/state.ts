import { z } from 'zod'

/*
 * One state of the model: the rows of the store, and what lives in the memory of its processes and callers.
 *
 * Instants are kept as far as the protocol can tell them apart: whether they are over. Numbers that only grow (fences, the order
 * of requests) are kept as their order, random ids by where they stand. So histories that differ in nothing that matters meet in
 * one state, and there are finitely many of them.
 */

const requestState = z.enum(['waiting', 'running', 'done', 'failed', 'cancelled', 'superseded'])

const requestRow = z.strictObject({
  id: z.string(),
  account: z.string(),
  job: z.string(),
  payload: z.unknown(),
  hash: z.string(),
  trigger: z.string(),
  priority: z.string(),
  /** The order in which open requests run; 0 for those that have ended. */
  place: z.number(),
  state: requestState,
  /** `later`: its pause isn't over. `due`: it is, and nobody has looked since. `steps`: a bootstrap waits for its steps. */
  due: z.enum(['ready', 'due', 'later', 'steps']),
  failures: z.number(),
  interruptions: z.number(),
  run: z.string().nullable(),
  reserved: z.string().nullable(),
  cancelling: z.boolean(),
  bootstrap: z.string().nullable(),
  steps: z.array(z.string()).nullable(),
  successor: z.string().nullable(),
  ended: z.boolean(),
})
export type RequestRow = z.infer<typeof requestRow>

const leaseRow = z.strictObject({
  account: z.string(),
  job: z.string(),
  run: z.string(),
  process: z.string(),
  slot: z.number(),
  /** Whether it was taken before the last look of its process. */
  taken: z.enum(['before', 'after']),
  /** Not in a store that went back. */
  intact: z.boolean(),
})

const holdRow = z.strictObject({
  account: z.string(),
  job: z.string(),
  metBy: z.enum(['gate', 'run']),
  code: z.string(),
  probe: z.enum(['due', 'later']),
  asked: z.enum(['none', 'over', 'later']),
})

export const storeRows = z.strictObject({
  processes: z.array(z.strictObject({ id: z.string(), alive: z.boolean() })),
  requests: z.array(requestRow),
  keys: z.array(
    z.strictObject({
      caller: z.string(),
      account: z.string(),
      job: z.string(),
      key: z.string(),
      hash: z.string(),
      request: z.string(),
    }),
  ),
  leases: z.array(leaseRow),
  /** The lines that have a lease's row, held or not. */
  lines: z.array(z.strictObject({ account: z.string(), job: z.string() })),
  runs: z.array(
    z.strictObject({
      id: z.string(),
      request: z.string(),
      account: z.string(),
      job: z.string(),
      trigger: z.string(),
      attempt: z.number(),
      state: z.string(),
      process: z.string(),
    }),
  ),
  holds: z.array(holdRow),
  schedules: z.array(
    z.strictObject({
      account: z.string(),
      job: z.string(),
      /** The number of the instant that is over, or 0 while it is still to come. */
      due: z.number(),
    }),
  ),
  bootstrapped: z.array(z.string()),
})
export type StoreRows = z.infer<typeof storeRows>

/** A run that a process has in hand. */
export interface Hand {
  run: string
  request: string
  account: string
  job: string
  failures: number
  probed: boolean
  foreground: boolean
  /** Why its signal is aborted. */
  aborted: 'lost' | 'cancel' | null
  /** Its end was written, or not: the answer was lost, and the same end is written again. */
  ending: string | null
}

export interface Worker {
  id: string
  hands: Hand[]
  /** A foreground run that this process has reserved and not claimed yet. */
  reserved: { request: string; account: string; job: string } | null
  /** A due instant that its last look has told, and whose tick it hasn't made yet. */
  tick: { account: string; job: string; due: number } | null
}

/** The statement of a claim that its process has given up, and that the server may still carry out. */
export interface Flight {
  run: string
  process: string
  account: string
  job: string
}

/** What a caller was told. */
export interface Wish {
  name: string
  request: string
  /** No run of it has begun since. */
  owed: boolean
}

/** What the store was, and what callers had been told by then. */
export interface Dump {
  store: StoreRows
  wishes: Wish[]
}

export interface State {
  store: StoreRows
  /** What the store may become again. */
  dump: Dump | null
  workers: Worker[]
  flights: Flight[]
  wishes: Wish[]
  left: { faults: number; cancels: number; holds: number; ticks: number; reserved: number }
}

export type LineName = { readonly account: string; readonly job: string }

export const isOfLine = (line: LineName) => (row: LineName) => row.account === line.account && row.job === line.job

export const isOpen = (request: RequestRow) => request.state === 'waiting' || request.state === 'running'

/** The request that does the work of this one. */
export function successorOf(rows: StoreRows, id: string): RequestRow | undefined {
  const seen = new Set<string>()
  for (let next: string | null = id; next !== null && !seen.has(next); ) {
    seen.add(next)
    const row = rows.requests.find(request => request.id === next)
    if (row?.state !== 'superseded') return row
    next = row.successor
  }
  return undefined
}

const idPattern = /(?:run-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** The state as a text in which ids only tell where they stand: equal states are equal texts. Which worker is which is no matter. */
export function canonical(state: State): string {
  const [first = '', second = ''] = state.workers.map(worker => describe(state, worker))
  if (first < second) return rename(state)
  const turned = rename({ ...state, workers: state.workers.toReversed() })
  if (first > second) return turned
  const straight = rename(state)
  return straight < turned ? straight : turned
}

/** What tells a worker from the other, without ids. */
function describe({ store, flights }: State, { id, hands, reserved, tick }: Worker): string {
  return JSON.stringify([
    store.processes.some(process => process.id === id && process.alive),
    store.leases.filter(({ process }) => process === id).map(({ job, taken, intact }) => [job, taken, intact]),
    hands.map(({ run: _run, request: _request, ...hand }) => hand),
    flights.filter(({ process }) => process === id).map(({ job }) => job),
    reserved?.job,
    tick,
  ])
}

const byLine = (a: LineName, b: LineName) => `${a.account}/${a.job}`.localeCompare(`${b.account}/${b.job}`)

function rename(state: State): string {
  const names = new Map<string, string>()
  const name = (kind: 'a' | 'b' | 'c', id: string | null | undefined) => {
    if (id && !names.has(id)) names.set(id, `00000000-0000-4000-${kind}000-${String(names.size + 1).padStart(12, '0')}`)
  }
  const byName = (a: string, b: string) => (names.get(a) ?? '').localeCompare(names.get(b) ?? '')
  const workers = state.workers.map(worker => ({ ...worker, hands: worker.hands.toSorted(byLine) }))
  const { dump } = state
  const stores = dump ? [state.store, dump.store] : [state.store]
  for (const { id } of workers) name('a', id)
  for (const { leases, requests } of stores) {
    for (const { process } of leases.toSorted(byLine)) name('a', process)
    for (const { reserved } of requests) name('a', reserved)
  }
  for (const { process } of state.flights) name('a', process)
  for (const { leases } of stores) for (const { run } of leases.toSorted(byLine)) name('b', run)
  for (const { hands } of workers) for (const { run } of hands) name('b', run)
  const flights = state.flights.toSorted((a, b) => byLine(a, b) || byName(a.process, b.process))
  for (const { run } of flights) name('b', run)

  /** Without what nobody can tell of, in an order that its ids don't decide. */
  function tidy(store: StoreRows, wishes: readonly Wish[]): { store: StoreRows; wishes: Wish[] } {
    const known = referred(store, wishes, workers)
    const requests = store.requests.filter(row => isOpen(row) || known.has(row.id)).map(forgetEnded)
    for (const { id } of requests) name('c', id)
    const places = requests.filter(isOpen).toSorted((a, b) => a.place - b.place)
    return {
      store: {
        ...store,
        processes: store.processes
          .filter(({ id, alive }) => names.has(id) && (alive || workers.some(worker => worker.id === id)))
          .toSorted((a, b) => byName(a.id, b.id)),
        leases: store.leases.toSorted(byLine),
        requests: requests.map(row => ({ ...row, place: places.indexOf(row) + 1 })),
        runs: store.runs.filter(({ id }) => names.has(id)).toSorted((a, b) => byName(a.id, b.id)),
      },
      wishes: wishes.toSorted((a, b) => a.name.localeCompare(b.name)),
    }
  }

  const now = tidy(state.store, state.wishes)
  const before = dump && tidy(dump.store, dump.wishes)
  return JSON.stringify({ ...state, ...now, dump: before, workers, flights }).replace(
    idPattern,
    id => names.get(id) ?? id,
  )
}

/** Requests that have ended and still say something to somebody. */
function referred(store: StoreRows, wishes: readonly Wish[], workers: readonly Worker[]): Set<string> {
  const known = new Set<string>()
  const add = (id: string | null) => {
    for (let next = id; next !== null && !known.has(next); ) {
      known.add(next)
      next = store.requests.find(row => row.id === next)?.successor ?? null
    }
  }
  for (const { request } of wishes) add(request)
  for (const { request } of store.keys) add(request)
  for (const { reserved } of workers) add(reserved?.request ?? null)
  for (const row of store.requests) if (row.bootstrap) add(row.id)
  for (const row of store.requests) if (isOpen(row)) add(row.bootstrap)
  return known
}

function forgetEnded(row: RequestRow): RequestRow {
  if (isOpen(row)) return row
  return { ...row, failures: 0, interruptions: 0, cancelling: false, priority: 'normal', due: 'ready', reserved: null }
}
