import type { Bench } from './open-bench.ts'

/** A name on the command line; it adds one or more lines to the table. */
export interface Benchmark {
  readonly name: string
  measure(bench: Bench, sizes: Sizes): Promise<readonly Result[]>
}

/** The options of the command line. */
export interface Sizes {
  /** Replaces each benchmark's own row count. */
  readonly rows: number | undefined
  /** The number of rounds; in each, every contestant runs once. */
  readonly runs: number
  readonly pageSize: number
}

export type Result = Judged | Skipped

export interface Judged {
  readonly what: string
  /** The median of the rounds. */
  readonly value: number
  readonly limit: { readonly atLeast: number } | { readonly atMost: number }
  /** The values of each round. */
  readonly rounds: readonly Readonly<Record<string, unknown>>[]
  /** The medians behind the value, as text. */
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
