import type { LiveTerminal, Terminal } from './command.ts'

const clearLine = '\r\u001b[K'

/** Any output (result, error, log line) replaces the line that was drawn. */
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
    errColumns: terminal.errColumns,
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
      // A line that wraps can't be redrawn.
      const columns = terminal.errColumns?.()
      const line = columns === undefined ? text : text.slice(0, columns - 1)
      terminal.err(`\r${line}\u001b[K`)
      isDrawn = true
    },
  }
}
