import { expect, test } from 'vitest'
import { createLiveTerminal } from '../../src/cli/live-terminal.ts'

function open(isInteractive: boolean, columns?: number) {
  const written: string[] = []
  const state = { columns }
  const terminal = createLiveTerminal({
    out: text => void written.push(`out ${JSON.stringify(text)}`),
    err: text => void written.push(`err ${JSON.stringify(text)}`),
    isInteractive,
    hasColors: false,
    errColumns: () => state.columns,
  })
  return { terminal, written, state }
}

test.each(['out', 'err'] as const)('what is written to %s takes the place of the line that was drawn', stream => {
  const { terminal, written } = open(true)
  terminal.draw('1 of 2 rows')
  terminal.draw('2 of 2 rows')
  terminal[stream]('done\n')
  terminal[stream]('more\n')
  expect(written).toEqual([
    'err "\\r1 of 2 rows\\u001b[K"',
    'err "\\r2 of 2 rows\\u001b[K"',
    'err "\\r\\u001b[K"',
    `${stream} "done\\n"`,
    `${stream} "more\\n"`,
  ])
})

test('nothing is drawn where nobody is watching', () => {
  const { terminal, written } = open(false)
  terminal.draw('1 of 2 rows')
  terminal.err('Interrupted\n')
  expect(written).toEqual(['err "Interrupted\\n"'])
})

test('a line is never wider than the terminal, since one that wraps could not be drawn over', () => {
  const { terminal, written, state } = open(true, 10)
  terminal.draw('1234567890123')
  state.columns = 5
  terminal.draw('1234567890123')
  expect(written).toEqual(['err "\\r123456789\\u001b[K"', 'err "\\r1234\\u001b[K"'])
})
