import { styleText } from 'node:util'

/** The subject of a line, its second column. */
export type Speaker = 'sandbox' | 'identity' | 'api' | 'worker' | 'client' | 'demo'

/** Prints the events on stdout, one per line: seconds since the start, who, what. */
export interface Narrator {
  heading(text: string): void
  say(speaker: Speaker, text: string): void
  /** A remark that explains what was just seen. */
  remark(text: string): void
  /** Prints text unchanged: the output of a command, a table, commands to copy. */
  block(text: string): void
  verdict(passed: boolean, text: string): void
}

const colours = {
  sandbox: 'gray',
  identity: 'magenta',
  api: 'yellow',
  worker: 'cyan',
  client: 'green',
  demo: 'gray',
} as const

/** Colours only on a terminal and never with NO_COLOR: `styleText` sees to both. */
export function createNarrator(now: () => number): Narrator {
  const startedAt = now()
  const write = (text: string): void => void process.stdout.write(`${text}\n`)
  return {
    heading: text => write(`\n${styleText('bold', text)}`),
    say(speaker, text) {
      const seconds = ((now() - startedAt) / 1000).toFixed(1).padStart(5)
      write(`${styleText('gray', `${seconds} s`)}  ${styleText(colours[speaker], speaker.padEnd(8))}  ${text}`)
    },
    remark: text => write(styleText('gray', `                   ${text}`)),
    block: text => write(text.replace(/\n$/, '').replace(/^(?=.)/gm, '    ')),
    verdict: (passed, text) => write(`${passed ? styleText('green', '✓') : styleText('red', '✗')} ${text}`),
  }
}
