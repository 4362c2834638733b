import { type Explanation, renderExplanation } from '../explanation.ts'
import type { RequestState } from '../states.ts'

/** What decides whether a request may run, as one query finds it. */
export interface WaitingFacts {
  readonly account: string
  readonly job: string
  readonly state: RequestState
  readonly failures: number
  readonly interruptions: number
  readonly due_at: string | null
  readonly is_due_later: boolean
  /** The step that the request waits for. */
  readonly step: string | null
  readonly hold_found: string | null
  readonly hold_remedy: string | null
  readonly hold_until: Date | null
  /** Its probe isn't due yet; one that is due keeps the request from nothing. */
  readonly is_held: boolean
  readonly is_busy: boolean
  /** Ready requests before it in its line; 1000 for more. */
  readonly ahead: number
  /** Runs of the account that take one of the slots that it may take. */
  readonly in_its_slots: number
  /** How many slots these are; null if no live worker serves the line. */
  readonly slots: number | null
  /** The session of Postgres whose open transaction has locked the request, which a claim therefore passes over. */
  readonly locked_by: number | null
}

/** The first reason that a claim would find, in its order. */
export function explainWaiting(row: WaitingFacts): string | undefined {
  if (row.state !== 'waiting') return undefined
  if (row.step !== null) return `its step ${row.step}`
  if (row.is_due_later) return `${row.due_at}, ${explainPause(row)}`
  if (row.slots === null) return `a worker that runs ${row.job} for account "${row.account}": none is running`
  if (row.is_busy) return `the run of ${row.job} that is active now`
  if (row.is_held) {
    return `a hold until ${row.hold_until?.toISOString()} (${renderExplanation(holdOf(row))})`
  }
  if (row.ahead > 0) {
    const requests = row.ahead === 1 ? '1 request' : `${row.ahead === 1000 ? '1000 or more' : row.ahead} requests`
    return `${requests} before it in its line`
  }
  if (row.locked_by !== null) {
    return `the end of an open transaction that has locked it: see process ${row.locked_by} in pg_stat_activity`
  }
  if (row.in_its_slots < row.slots) return 'the next look of a worker with a free slot'
  const active = row.in_its_slots === 1 ? '1 run of the account is' : `${row.in_its_slots} runs of the account are`
  return `a free slot: ${active} active`
}

function explainPause({ failures, interruptions }: WaitingFacts): string {
  // A run that asked for the pause keeps the count of failures before it.
  if (failures > 0) return `the pause after its last run (${failures} failed so far)`
  if (interruptions > 0) return `after ${interruptions} consecutive runs that ended with their process`
  return 'the time for which its last run asked'
}

export function holdOf({ hold_found, hold_remedy }: Pick<WaitingFacts, 'hold_found' | 'hold_remedy'>): Explanation {
  return { found: hold_found ?? '', remedy: hold_remedy ?? undefined }
}
