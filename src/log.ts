import { type Logger, pino } from 'pino'
import { WorkerError } from './errors.ts'
import { explainSqlState } from './sql-state.ts'

export type Log = Logger

/**
 * One JSON line per event on stderr; stdout belongs to a command's own output. Errors are written as code and sentence,
 * without stack and cause, because a cause may carry what must not be logged (a response, a header).
 */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { error: describeError },
    },
    pino.destination({ dest: 2, sync: true }),
  )
}

/**
 * What may be told about an error that reached a boundary. Our own errors carry a sentence made for it; a foreign message may
 * quote a row, a statement or a response, so of those only kind, code and place are told.
 */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof WorkerError) return { code: error.code, message: error.message }
  if (!(error instanceof Error)) return { code: 'unexpected', message: 'Something that is no error was thrown.' }
  if (error.name === 'AbortError') return { code: 'aborted', message: error.message }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  const meaning = explainSqlState(code)
  if (meaning) return { code, message: `The database did not do what was asked: ${meaning} (SQLSTATE ${code}).` }
  // A system error's message holds an address at most: "connect ECONNREFUSED 127.0.0.1:5432".
  if ('syscall' in error) return { code, message: error.message }
  // The stack begins with the message, which may have lines that look like places.
  const frames = (error.stack ?? '').split(error.message).at(-1) ?? ''
  const place = /^\s+at .*$/m.exec(frames)?.[0].trim() ?? ''
  return { code, message: `${error.name} ${code === error.name ? '' : `${code} `}${place}`.trim() }
}
