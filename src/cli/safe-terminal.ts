import { printable } from '../words/printable.ts'
import type { LiveTerminal } from './command.ts'

/** The colour sequences of `print-log.ts`: they neither print nor move the cursor (ECMA-48, 8.3.117). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour sequence begins with ESC
const colour = /(\u001b\[(?:31|33|39|90)m)/

/**
 * A terminal that is safe against control characters in names, claims and messages: all but line ends, tabs and our own colours
 * are written as JSON escapes, so that a JSON document keeps its meaning.
 */
export function createSafeTerminal(terminal: LiveTerminal): LiveTerminal {
  const { ask } = terminal
  return {
    ...terminal,
    out: text => terminal.out(printable(text, '\n\t')),
    err: text => terminal.err(terminal.hasColors ? exceptColours(text) : printable(text, '\n\t')),
    draw: text => terminal.draw(printable(text)),
    ask: ask && ((question, signal) => ask(printable(question, '\n\t'), signal)),
  }
}

function exceptColours(text: string): string {
  return text
    .split(colour)
    .map((part, index) => (index % 2 === 1 ? part : printable(part, '\n\t')))
    .join('')
}
