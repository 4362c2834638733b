/** Runs, requests or commits of each contestant before its time is measured: fetched tokens, open connections, compiled code. */
export const warmUp = 1_000

/** Every contestant once per round, A B A B …, so that whatever slows the machine affects all of them. */
export async function interleave<N extends string, R>(
  runs: number,
  contestants: Readonly<Record<N, () => Promise<R>>>,
): Promise<Record<N, R>[]> {
  const rounds: Record<N, R>[] = []
  for (let run = 0; run < runs; run += 1) {
    const round: Partial<Record<N, R>> = {}
    for (const name in contestants) round[name] = await contestants[name]()
    rounds.push(round as Record<N, R>)
  }
  return rounds
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

/** The smallest value that this share of the values doesn't exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
