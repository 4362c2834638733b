import { type Logger, pino } from 'pino'
import { isError, WorkerError } from './errors.ts'
import { explainThrown } from './failures/explain-thrown.ts'
import { readSafely } from './failures/read-safely.ts'
import { asText } from './words/as-text.ts'
import { quoteForeign } from './words/foreign-words.ts'
import { printable } from './words/printable.ts'

export type Log = Logger

/**
 * Writes one JSON line per event, to stderr because stdout is for a command's result. Errors are logged as code and message, without
 * stack and cause: a cause may hold what must not be logged, such as a response or a header.
 *
 * @param write gets each line with its line end; default: stderr
 * @param keep also receives every line
 */
export function createLog(level: string, write?: (line: string) => void, keep?: (line: string) => void): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { error: describeError },
      // JSON doesn't escape every character that a terminal interprets.
      hooks: {
        streamWrite(line) {
          const safe = printable(line, '\n')
          keep?.(safe)
          return safe
        },
      },
    },
    write ? { write } : openStderr(),
  )
}

/** How much is kept while stderr refuses it, such as a file on a full disk; later lines are lost. */
const mostKeptBytes = 1_000_000
/**
 * How often a line is offered to a pipe that is full. Each attempt blocks the process for 100 ms, so if its reader has stalled, such as
 * the log driver of a container, the worker goes on without it.
 */
const mostRetries = 5

function openStderr() {
  let retries = 0
  const stderr = pino.destination({
    dest: 2,
    sync: true,
    maxLength: mostKeptBytes,
    retryEAGAIN() {
      retries += 1
      return retries <= mostRetries
    },
  })
  stderr.on('write', bytes => {
    if (bytes > 0) retries = 0
  })
  // Without a listener, a line that can't be written would throw where it is logged, and could end a loop that must continue.
  stderr.on('error', () => {})
  return stderr
}

/** Code of a message that contains a job author's words: only for the worker's operator, never shown over HTTP. */
export const privateCode = 'job-error'

/**
 * Describes an error for the worker's operator. Our own errors carry a message for that; for others see `explainThrown`.
 */
export function describeError(error: unknown): { code: string; message: string } {
  const own = readSafely(() => describeOwn(error))
  if (own) return own
  const { code, message, isPrivate } = explainThrown(error)
  return { code: isPrivate ? privateCode : code, message }
}

function describeOwn(error: unknown): { code: string; message: string } | undefined {
  if (error instanceof WorkerError) return { code: error.code, message: asText(error.message) }
  if (!isError(error) || error.name !== 'AbortError') return undefined
  return { code: 'aborted', message: quoteForeign(asText(error.message)) }
}

/** Describes an error for callers who may only make requests, and for copies outside the store. */
export function sayPublicly({ code, message }: { readonly code: string; readonly message: string }): string {
  return code === privateCode
    ? `The job failed with an error of its own: the worker's operator finds it with "npm run -s cli -- runs".`
    : message
}
