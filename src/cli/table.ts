/** Rows of the same shape as columns of text; nothing but a remark when there are none. */
export function table(rows: readonly object[], none: string): string {
  const [first] = rows
  if (!first) return `${none}\n`
  const names = Object.keys(first)
  const lines = [names, ...rows.map(row => Object.values(row).map(show))]
  const widths = names.map((_name, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('')
}

function show(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value !== 'object') return String(value)
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${typeof inner === 'object' ? JSON.stringify(inner) : inner}`)
    .join(', ')
}
