import { type Logger, pino } from 'pino'
import { WorkerError } from './errors.ts'
import { explainThrown } from './failures/explain-thrown.ts'
import { printable } from './words/printable.ts'

export type Log = Logger

/**
 * One JSON line per event; stdout belongs to a command's own output. Errors are written as code and sentence, without stack and
 * cause, because a cause may carry what must not be logged (a response, a header).
 *
 * @param write takes each line with its end; default stderr
 */
export function createLog(level: string, write?: (line: string) => void): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { error: describeError },
      // JSON leaves some characters as they are that a terminal obeys.
      hooks: { streamWrite: line => printable(line, '\n') },
    },
    write ? { write } : pino.destination({ dest: 2, sync: true }),
  )
}

/** Names a message that holds words of a job's author: it is for the worker's operator, and for nobody over HTTP. */
export const privateCode = 'job-error'

/**
 * What may be told to the worker's operator about an error that reached a boundary. Our own errors carry a sentence made for it;
 * of others see `explainThrown`.
 */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof WorkerError) return { code: error.code, message: error.message }
  if (error instanceof Error && error.name === 'AbortError') return { code: 'aborted', message: error.message }
  const { code, message, isPrivate } = explainThrown(error)
  return { code: isPrivate ? privateCode : code, message }
}

/** The same for whoever may only make requests, and for what is kept outside the store. */
export function sayPublicly({ code, message }: { readonly code: string; readonly message: string }): string {
  return code === privateCode
    ? `The job failed with an error of its own: "runs" tells the worker's operator which.`
    : message
}
