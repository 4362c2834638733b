import { printable } from '../words/printable.ts'
import type { LiveTerminal } from './command.ts'

/** The colours of `print-log.ts`, which write nothing and move nothing (ECMA-48, 8.3.117). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what a colour begins with
const colour = /(\u001b\[(?:31|33|39|90)m)/

/**
 * A terminal that obeys none of what names, claims and messages hold: everything but line ends, tabs and our own colours is
 * written as JSON escapes it, so that a JSON document is still the same.
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
