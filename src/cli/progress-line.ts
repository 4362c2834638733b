import type { Progress } from '../jobs/define-job.ts'

const width = 30

/** One line of progress: a bar where the total is known, else the rows so far. */
export function progressLine({ done, total }: Progress, elapsedMs: number): string {
  const rate = elapsedMs > 0 ? Math.round((done * 1000) / elapsedMs) : 0
  const rows = `${done.toLocaleString('en')}${total === undefined ? '' : ` of ${total.toLocaleString('en')}`} rows`
  if (!total) return `${rows}, ${rate.toLocaleString('en')}/s`
  const filled = Math.min(width, Math.round((done / total) * width))
  return `[${'█'.repeat(filled)}${'·'.repeat(width - filled)}] ${rows}, ${rate.toLocaleString('en')}/s`
}
