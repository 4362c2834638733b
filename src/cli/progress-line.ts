import type { PacedProgress } from '../execution/pace.ts'
import { describeSeconds } from '../time/duration.ts'

const width = 30

/** One line of progress: a bar and the remaining time when the total is known, else the rows so far. */
export function progressLine({ done, total, rowsPerSecond, etaSeconds }: PacedProgress): string {
  const rows = `${done.toLocaleString('en')}${total === undefined ? '' : ` of ${total.toLocaleString('en')}`} rows`
  const pace = `${rows}, ${rowsPerSecond.toLocaleString('en')}/s`
  if (!total) return pace
  const filled = Math.min(width, Math.round((done / total) * width))
  const left = etaSeconds === undefined ? '' : `, ${describeSeconds(etaSeconds)} left`
  return `[${'█'.repeat(filled)}${'·'.repeat(width - filled)}] ${pace}${left}`
}
