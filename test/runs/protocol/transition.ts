import type { NewRequest } from '../../../src/runs/requests.ts'
import type { Asks } from './asks.ts'
import type { EndingName } from './endings.ts'
import type { LineName, State, Worker } from './state.ts'

/** A small world: who asks for what, how runs may end, and how much may go wrong. */
export interface World {
  readonly lines: readonly LineName[]
  readonly slots: number
  /** Requests that callers make, each once and at any time, by name. */
  readonly wishes: Readonly<Record<string, NewRequest>>
  readonly endings: readonly EndingName[]
  /** What may go wrong, as often in all as `left.faults` says. */
  readonly misfortunes: readonly Misfortune[]
  readonly left: State['left']
  /** The line that has a schedule. */
  readonly scheduled?: LineName
}

/** What may happen to processes and to what they send. */
export const misfortunes = ['killed', 'silent', 'claim unanswered', 'claim given up', 'end unanswered'] as const
export type Misfortune = (typeof misfortunes)[number] | 'store goes back'

/**
 * One thing that may happen next. `progress` is what a world without faults does sooner or later by itself; the rest is up to
 * callers, operators and misfortune.
 */
export interface Transition {
  readonly label: string
  readonly kind: 'progress' | 'choice' | 'fault'
  /** Makes the draft, a copy of the state, the next state: what happens in memory, or by the passing of time. */
  readonly change?: (draft: State) => void
  /** The same by a call of the store. @returns what has to hold then */
  readonly call?: (draft: State) => Promise<Check>
}

export type Check = (before: State, after: State) => void

/** What a transition starts from. */
export interface Setting {
  readonly world: World
  readonly asks: Asks
  readonly state: State
}

/** The same for what one of the workers does. */
export interface WorkerSetting extends Setting {
  readonly name: string
  readonly here: Worker
  /** The same worker in a draft. */
  own(draft: State): Worker
}

export function mayHappen({ world, state }: Setting, misfortune: Misfortune): boolean {
  return state.left.faults > 0 && world.misfortunes.includes(misfortune)
}
