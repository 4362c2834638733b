import { type Logger, pino } from 'pino'

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

/** What may be told about an error that reached a boundary: its code, if it has one, and its sentence. */
export function describeError(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'unexpected', message: 'something that is no error was thrown' }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return { code, message: error.message }
}
