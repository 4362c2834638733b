import { printable } from '../words/printable.ts'

const gap = '  '
/** Below this width a column is unreadable, and each cell gets a line of its own. */
const narrowest = 8

/**
 * Renders rows of the same shape as columns of text.
 *
 * @param none printed when there are no rows
 * @param width in columns: cells are cut to fit; with too many columns for that, each cell gets a line of its own
 */
export function table(rows: readonly object[], none: string, width = Number.POSITIVE_INFINITY): string {
  const [first] = rows
  if (!first) return `${none}\n`
  const names = Object.keys(first).map(name => printable(name))
  const cells = rows.map(row => Object.values(row).map(value => printable(show(value))))
  const wanted = names.map((name, column) => Math.max(widthOf(name), ...cells.map(row => widthOf(row[column] ?? ''))))
  const widths = narrow(wanted, width - gap.length * (names.length - 1))
  if (!widths) return cells.map(row => record(names, row, width)).join('\n')
  return [names, ...cells]
    .map(
      row =>
        `${row
          .map((cell, column) => pad(cell, widths[column] ?? 0))
          .join(gap)
          .trimEnd()}\n`,
    )
    .join('')
}

/** Narrows the widest columns first. @returns undefined when the columns can't fit */
function narrow(wanted: readonly number[], width: number): readonly number[] | undefined {
  const sum = (limit: number): number => wanted.reduce((all, each) => all + Math.min(each, limit), 0)
  if (sum(Number.POSITIVE_INFINITY) <= width) return wanted
  for (let limit = Math.max(...wanted); limit >= narrowest; limit--) {
    if (sum(limit) <= width) return wanted.map(each => Math.min(each, limit))
  }
  return undefined
}

function record(names: readonly string[], cells: readonly string[], width: number): string {
  const label = Math.max(...names.map(widthOf))
  return names
    .map((name, column) => `${pad(name, label)}${gap}${cut(cells[column] ?? '', width - label - gap.length)}\n`)
    .join('')
}

function pad(text: string, width: number): string {
  const short = cut(text, width)
  return short + ' '.repeat(Math.max(0, width - widthOf(short)))
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let short = ''
  let taken = 1
  for (const character of text) {
    taken += widthOf(character)
    if (taken > Math.max(1, width)) break
    short += character
  }
  return `${short}…`
}

const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}！-｠]/u

/** Width of a text on a terminal, in columns. */
function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += /\p{Mark}/u.test(character) ? 0 : wide.test(character) ? 2 : 1
  return width
}

function show(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value !== 'object') return String(value)
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${typeof inner === 'object' ? JSON.stringify(inner) : inner}`)
    .join(', ')
}
