import type { Judged } from './benchmark.ts'
import { median } from './rounds.ts'
import type { Measured } from './start-process.ts'

/** How many times as fast one contestant was as the other: the median of the rounds' ratios. */
export function ratioOf<N extends string>(
  rounds: readonly Readonly<Record<N, Measured>>[],
  faster: N,
  slower: N,
  unit = 'rows/s',
): Pick<Judged, 'value' | 'rounds' | 'detail'> {
  const rate = ({ rows, seconds }: Measured) => rows / seconds
  const ratios = rounds.map(round => rate(round[faster]) / rate(round[slower]))
  const told = (name: N) => `${name} ${Math.round(median(rounds.map(round => rate(round[name])))).toLocaleString('en')}`
  return {
    value: median(ratios),
    rounds: rounds.map((round, index) => ({ ratio: ratios[index], ...round })),
    detail: `${told(faster)}, ${told(slower)} ${unit}`,
  }
}
