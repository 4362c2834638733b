import { styleText } from 'node:util'
import { printable } from '../words/printable.ts'
import type { Terminal } from './command.ts'
import { describeLogLine, parseLogLine } from './log-line.ts'

type Colour = 'gray' | 'yellow' | 'red'
const colours: ReadonlyMap<string, Colour> = new Map([
  ['trace', 'gray'],
  ['debug', 'gray'],
  ['warn', 'yellow'],
  ['error', 'red'],
  ['fatal', 'red'],
])
const timeOfDay = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

/**
 * Prints a log line for a person: the time of day and the event as a sentence.
 *
 * @param line JSON, as the log writes it
 */
export function printLogLine(terminal: Terminal, line: string): void {
  const parsed = parseLogLine(line)
  if (!parsed) {
    terminal.err(line)
    return
  }
  const { level, time } = parsed
  const style = (format: Colour, text: string): string =>
    terminal.hasColors ? styleText(format, text, { validateStream: false }) : text
  const text = printable(describeLogLine(parsed))
  const clock = time === undefined ? '' : `${style('gray', timeOfDay.format(new Date(time)))}  `
  const colour = colours.get(level)
  terminal.err(`${clock}${colour ? style(colour, text) : text}\n`)
}
