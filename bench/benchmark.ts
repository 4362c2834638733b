import type { Bench } from './open-bench.ts'

/** One word of the command line, and one or several lines of the table. */
export interface Benchmark {
  readonly name: string
  measure(bench: Bench, sizes: Sizes): Promise<readonly Result[]>
}

/** What the command line asks for. */
export interface Sizes {
  /** In place of each benchmark's own. */
  readonly rows: number | undefined
  /** The rounds, in each of which every contestant runs once. */
  readonly runs: number
  readonly pageSize: number
}

export type Result = Judged | Skipped

export interface Judged {
  readonly what: string
  /** The median of the rounds. */
  readonly value: number
  readonly limit: { readonly atLeast: number } | { readonly atMost: number }
  /** What the value is made of, round by round. */
  readonly rounds: readonly Readonly<Record<string, unknown>>[]
  /** The medians behind the value, in words. */
  readonly detail: string
}

interface Skipped {
  readonly what: string
  readonly skipped: string
}

export function isMet(result: Result): boolean {
  if ('skipped' in result) return true
  const { value, limit } = result
  return 'atLeast' in limit ? value >= limit.atLeast : value <= limit.atMost
}
