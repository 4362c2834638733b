import type { LiveTerminal, Terminal } from './command.ts'

const clearLine = '\r\u001b[K'

/** Whatever is written takes the place of the line that was drawn: a result, an error, a line of the log. */
export function createLiveTerminal(terminal: Terminal): LiveTerminal {
  let isDrawn = false
  const clear = (): void => {
    if (isDrawn) terminal.err(clearLine)
    isDrawn = false
  }
  return {
    isInteractive: terminal.isInteractive,
    hasColors: terminal.hasColors,
    columns: terminal.columns,
    ask: terminal.ask,
    out(text) {
      clear()
      terminal.out(text)
    },
    err(text) {
      clear()
      terminal.err(text)
    },
    draw(text) {
      if (!terminal.isInteractive) return
      // One that wraps could not be drawn over.
      const line = terminal.columns === undefined ? text : text.slice(0, terminal.columns - 1)
      terminal.err(`\r${line}\u001b[K`)
      isDrawn = true
    },
  }
}
