import { isMet, type Result } from './benchmark.ts'

const columns = ['', 'median', 'limit', '', 'medians behind it'] as const

/** One line per result, its limit beside it. */
export function tableOf(results: readonly Result[]): string {
  const lines = [columns, ...results.map(cellsOf)]
  const widths = columns.map((_, column) => Math.max(...lines.map(cells => cells[column]?.length ?? 0)))
  return lines
    .map(cells =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cellsOf(result: Result): readonly string[] {
  if ('skipped' in result) return [result.what, '', '', 'skipped', result.skipped]
  const { what, value, limit, detail } = result
  const told = 'atLeast' in limit ? `≥ ${limit.atLeast}` : `≤ ${limit.atMost}`
  return [what, value.toFixed(2), told, isMet(result) ? 'ok' : verdict(limit), detail]
}

function verdict(limit: object): string {
  return 'atLeast' in limit ? 'below' : 'above'
}
