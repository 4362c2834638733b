import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import {
  ConfigError,
  ConflictError,
  errorCodeOf,
  NotFoundError,
  PermanentError,
  PositionError,
  RefusalError,
  refusalCodes,
  TransientError,
  UsageError,
} from '../errors.ts'
import { parseJson } from '../json/parse-json.ts'
import type { Log } from '../log.ts'
import { createOperations, type Operations } from '../operations/registry.ts'
import { parseValue } from '../operations/values.ts'
import { type Problem, problemSchema, stoppingCode } from '../problem.ts'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { controlLineSchema, readTold } from './control-events.ts'
import { writeInput } from './operation-route.ts'

/** How many times, and with which pause in milliseconds, to check whether the owner answers. */
const looks = 20
const lookEveryMs = 500

/** After how long, in milliseconds, a silent owner is told, and how long it is then waited for. */
const tellAfterMs = 10_000
const waitForMs = 600_000
const silentCode = 'owner-silent'

/**
 * Waits for the owner of the embedded database: a process that is still starting, a short command that is about to end, or a process
 * that a long statement, or somebody who stopped it, keeps from answering.
 *
 * @returns whether it answers; false if it has ended
 * @throws TransientError if it is a command in the foreground, which answers nobody, or stays silent; ConfigError if it is another
 * user's
 */
export async function waitForOwner(
  socketPath: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<boolean> {
  let isTold = false
  for (let look = 1; ; look++) {
    try {
      await pingOwner(socketPath, clock, isTold ? waitForMs : tellAfterMs, signal)
      return true
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      if (error.code === 'owner-gone') return false
      if (error.code === silentCode) {
        if (isTold) throw error
        isTold = true
        log.warn(`waiting: ${error.message}`)
        continue
      }
      if (error.code !== 'busy' && error.code !== stoppingCode) return true
      if (look === looks) throw error.code === stoppingCode ? error : busyForLong()
    }
    await clock.sleep(lookEveryMs, signal)
  }
}

/** @throws TransientError if the owner doesn't answer within `ms`, or answers that it can't */
export async function pingOwner(socketPath: string, clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const silent = new AbortController()
  const pinging = send(socketPath, 'GET', '/ping', undefined, AbortSignal.any([signal, silent.signal]))
  if (!(await settlesWithin(clock, ms, pinging))) {
    silent.abort()
    throw new TransientError(silentCode, {
      found: `The process that owns the embedded database in DATA_DIR hasn't answered for ${ms / 1000} s`,
      remedy: 'if it is stopped, as by Ctrl+Z, continue it ("fg", or kill -CONT); if it is busy, it answers later',
    })
  }
  const response = await pinging
  response.resume()
}

function busyForLong(): TransientError {
  return new TransientError('busy', {
    found: `Another command has held the embedded database in DATA_DIR for ${(looks * lookEveryMs) / 1000} s`,
    remedy: 'try again when it has ended, or start a worker, which commands can share',
  })
}

/** The operations of the process that owns the embedded database, through its control socket. */
export function createControlClient(socketPath: string): Operations {
  return createOperations(async (operation, input, { signal, onEvent }) => {
    const { method, path, body } = writeInput(operation, parseValue(operation.input, input, 'input'))
    const response = await send(socketPath, method, path, body, signal)
    if (operation.event) return readStream(operation.event, operation.output, response, signal, onEvent)
    const content = await unlessGone(text(response), signal)
    return operation.output.parse(content === '' ? undefined : parseJson(content))
  })
}

async function readStream(
  eventSchema: z.ZodType,
  outputSchema: z.ZodType,
  response: IncomingMessage,
  signal: AbortSignal,
  onEvent: (event: unknown) => void,
): Promise<unknown> {
  for await (const content of readLines(response)) {
    const line = controlLineSchema.parse(parseJson(content))
    if (line.type === 'event') onEvent(eventSchema.parse(line.event))
    else if (line.type === 'error') throw rebuildRunError(line)
    else return outputSchema.parse(line.output)
  }
  signal.throwIfAborted()
  throw new TransientError('control', 'The worker ended before the run did; the run is recorded as interrupted')
}

/** JSON lines: Node's readline also ends a line at U+2028, which JSON may contain. */
async function* readLines(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  const chunks: AsyncIterable<string> = response.setEncoding('utf8')
  let rest = ''
  try {
    for await (const chunk of chunks) {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch {
    // A response that was cut off lacks the last line, which its reader notices.
  }
}

async function send(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const content = body === undefined ? undefined : JSON.stringify(body)
  const request = httpRequest({
    socketPath,
    method,
    path,
    headers: content === undefined ? {} : { 'content-type': 'application/json' },
    signal,
  })
  request.end(content)
  const response = await readHead(request, signal)
  const status = response.statusCode ?? 500
  if (status < 400) return response
  throw rebuildError(problemSchema.parse(parseJson(await unlessGone(text(response), signal))))
}

async function readHead(request: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const [response]: IncomingMessage[] = await unlessGone(once(request, 'response'), signal)
  if (response) return response
  throw new TypeError('a response without a response')
}

/** A response that is cut off doesn't end: reading it fails. */
async function unlessGone<T>(reading: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await reading
  } catch (error) {
    signal.throwIfAborted()
    if (errorCodeOf(error) === 'EACCES') throw forbidden()
    throw new TransientError(
      'owner-gone',
      { found: 'The process that owned DATA_DIR ended before it answered', remedy: 'try again' },
      { cause: error },
    )
  }
}

function forbidden(): ConfigError {
  return new ConfigError([
    {
      found: "DATA_DIR, or its owner's control socket, can't be opened, because the permission is missing (EACCES)",
      remedy: 'run the command as the user to whom they belong, or give the folder to this one (chown -R)',
    },
  ])
}

function rebuildError({ status, code, detail, remedy }: Problem): Error {
  const told = { found: detail, remedy }
  if (status === 404) return new NotFoundError(told)
  if (status === 410) return new PositionError(told)
  if (status === 422) return new ConflictError(told)
  if (status < 500) return new UsageError(told)
  return new TransientError(code, told)
}

const refusalCode = z.enum(refusalCodes).catch('claims')

/** Throws the error that ended the run as the worker threw it, so that the exit code is the same. */
function rebuildRunError(event: Extract<z.infer<typeof controlLineSchema>, { type: 'error' }>): Error {
  const { kind, code } = event
  const told = readTold(event)
  if (kind === RefusalError.name) return new RefusalError(refusalCode.parse(code), 'account', told)
  if (kind === UsageError.name) return new UsageError(told)
  if (kind === NotFoundError.name) return new NotFoundError(told)
  return kind === PermanentError.name ? new PermanentError(code, told) : new TransientError(code, told)
}
