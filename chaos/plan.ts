import type { Random } from './random.ts'

/** The part of a kind of fault that the plan needs. */
export interface PlannedKind {
  readonly name: string
  /** Each of these has at most one fault at a time. */
  readonly breaks:
    | 'redis'
    | 'postgres'
    | 'api'
    | 'issuer'
    | 'account'
    | 'worker'
    | 'store-link'
    | 'redis-link'
    | 'load'
    | 'receiver'
  /** Milliseconds until its repair. */
  readonly lasts: readonly [min: number, max: number]
  /** How often it happens, relative to others; default 1. */
  readonly weight?: number
}

/** One fault of the plan. */
export interface Fault {
  readonly kind: string
  /** Milliseconds after the start of the run. */
  readonly at: number
  /** Milliseconds until its repair. */
  readonly lasts: number
  /** What it breaks, such as `worker:2`; never two at a time break the same target. */
  readonly target: string
  /** At least 0, below 1: a random choice within the kind, such as after how many bytes a connection is cut. */
  readonly chance: number
}

export interface PlanOptions {
  readonly seconds: number
  readonly workers: number
  readonly accounts: readonly string[]
}

/** Milliseconds between two faults, on average. */
const everyMs = 3_000

/** Each kind happens as often as its weight says: kinds are drawn without replacement until none is left. */
export function planFaults(random: Random, kinds: readonly PlannedKind[], options: PlanOptions): readonly Fault[] {
  const faults: Fault[] = []
  const busyUntil = new Map<string, number>()
  let bag: PlannedKind[] = []
  for (let at = everyMs; at < options.seconds * 1_000; at += random.between(everyMs * 0.3, everyMs * 1.7)) {
    if (bag.length === 0) bag = random.shuffle(kinds.flatMap(kind => Array<PlannedKind>(kind.weight ?? 1).fill(kind)))
    const free = bag.findIndex(kind => targetsOf(kind, options).some(target => (busyUntil.get(target) ?? 0) <= at))
    const [kind] = free < 0 ? [] : bag.splice(free, 1)
    if (!kind) continue
    const targets = targetsOf(kind, options).filter(target => (busyUntil.get(target) ?? 0) <= at)
    const target = random.pick(targets)
    const lasts = random.between(...kind.lasts)
    busyUntil.set(target, at + lasts + recoveryMs)
    faults.push({ kind: kind.name, at: Math.round(at), lasts, target, chance: random.next() })
  }
  return faults
}

/** Milliseconds between two faults of one target, so that it works in between. */
const recoveryMs = 1_500

function targetsOf({ breaks }: PlannedKind, { workers, accounts }: PlanOptions): readonly string[] {
  const numbers = [...Array(workers).keys()]
  switch (breaks) {
    case 'worker':
      return numbers.map(number => `worker:${number}`)
    case 'store-link':
    case 'redis-link':
      // One worker, or all of them.
      return [...numbers.map(number => `${breaks}:${number}`), `${breaks}:all`]
    case 'account':
      return accounts.map(account => `account:${account}`)
    default:
      return [breaks]
  }
}
