import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { errorCodeOf, isError, WorkerError } from '../errors.ts'
import { asText, kindOf } from '../words/as-text.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import { readSafely } from './read-safely.ts'
import { showIssues } from './show-issues.ts'
import { explainSqlState } from './sql-state.ts'

/** What may be shown of an error that isn't ours. */
export interface ThrownExplanation {
  /** The error's own code, or its name. */
  readonly code: string
  /** What was thrown, where in the project, and its causes. */
  readonly message: string
  /** Whether the message holds words of the project's author, which only the worker's operator may see. */
  readonly isPrivate: boolean
}

/** Characters: more than any sentence needs, so a longer text is data. */
const longest = 500
/** Levels of causes, or of errors in an AggregateError, that are shown. */
const deepest = 5
const widest = 3
/** Characters of a message with all its causes. */
const longestMessage = 4_000

/**
 * Explains a job's error to the person who can fix the job. The error's origin decides what may be shown. An error created in a file
 * of the project holds the author's words, or V8's about the author's code. A library's or Node's message may quote a row, a statement
 * or a response, so only its name and code are shown. Causes are followed.
 *
 * It never throws: an error's parts have other types if somebody assigned the body of a response to it.
 *
 * @param secrets removed from the message, in addition to what looks like a secret
 */
export function explainThrown(thrown: unknown, secrets: readonly string[] = []): ThrownExplanation {
  const { code, message, isPrivate } = explain(thrown, secrets, 0)
  return { code, message: quoteForeign(message, secrets, longestMessage), isPrivate }
}

function explain(thrown: unknown, secrets: readonly string[], depth: number): ThrownExplanation {
  return readSafely(() => read(thrown, secrets, depth)) ?? unreadable
}

const unreadable: ThrownExplanation = {
  code: 'not-an-error',
  message: 'an error that cannot be read was thrown',
  isPrivate: true,
}

function read(thrown: unknown, secrets: readonly string[], depth: number): ThrownExplanation {
  if (thrown instanceof WorkerError) {
    return { code: codeOf(thrown), message: asText(thrown.message), isPrivate: false }
  }
  if (!isError(thrown)) return describeValue(thrown, secrets)
  const frames = framesOf(thrown)
  const place = placeIn(frames)
  const own = sayOwn(thrown, frames, secrets)
  const where = place ? ` (at ${place})` : ''
  const inner = depth < deepest ? causesOf(thrown).map(cause => explain(cause, secrets, depth + 1)) : []
  const causes = inner.length > 0 ? `; cause: ${inner.map(({ message }) => message).join('; and ')}` : ''
  return {
    code: codeOf(thrown),
    message: `${own.text}${where}${causes}`,
    isPrivate: own.isPrivate || inner.some(({ isPrivate }) => isPrivate),
  }
}

/** Where in the project an error was created, such as `src/jobs/greet-user.ts:12:11`, or in which package if the project isn't involved. */
export function findPlace(error: Error): string | undefined {
  const frames = framesOf(error)
  const inPackage = frames.find(({ file }) => file.startsWith('/'))
  return placeIn(frames) ?? (inPackage && showPlace(inPackage))
}

function placeIn(frames: readonly Frame[]): string | undefined {
  const frame = frames.find(isInProject)
  return frame && showPlace(frame)
}

/** Explains an error without its place and causes. */
function sayOwn(
  error: Error,
  frames: readonly Frame[],
  secrets: readonly string[],
): { readonly text: string; readonly isPrivate: boolean } {
  const code = codeOf(error)
  const name = nameOf(error)
  const message = asText(error.message)
  const meaning = explainSqlState(code)
  if (meaning) {
    return { text: `The database reported an error: ${meaning} (SQLSTATE ${code})`, isPrivate: false }
  }
  // A system error's message holds at most an address or a path: "connect ECONNREFUSED 127.0.0.1:5432".
  if ('syscall' in error || constantMessages.has(message))
    return { text: withName(name, message, secrets), isPrivate: false }
  if (error instanceof z.core.$ZodError) {
    return { text: `${name}: the value does not match its schema: ${showIssues(error)}`, isPrivate: false }
  }
  if (isOfProject(error, frames))
    return { text: withName(name, withoutValues(name, message), secrets), isPrivate: true }
  const [first] = frames
  const builtIn = first && first.file === '<anonymous>' && first.caller ? ` in ${first.caller}` : ''
  const origin = placeIn(frames) === undefined ? originIn(frames) : ''
  return { text: `${name}${code === name ? '' : ` ${code}`}${builtIn}${origin}`, isPrivate: false }
}

/** Where in a package the error was created, which is all that a report of a defect has: its message may hold data. */
function originIn(frames: readonly Frame[]): string {
  const frame = frames.find(({ file }) => file.includes(packages))
  return frame ? ` (in ${frame.file.slice(frame.file.lastIndexOf(packages) + packages.length)}${frame.position})` : ''
}

/** Messages of Node, V8 and undici that hold no data. */
const constantMessages: ReadonlySet<string> = new Set([
  'fetch failed',
  'terminated',
  'This operation was aborted',
  'The operation was aborted due to timeout',
  // With --disallow-code-generation-from-strings.
  'Code generation from strings disallowed for this context',
])

/** Whether a file of the project created the error; an error with one of Node's codes came from Node, which hides its own frames. */
function isOfProject(error: Error, frames: readonly Frame[]): boolean {
  const [first] = frames
  if (!first || !isInProject(first)) return false
  if ('generatedMessage' in error) return error.generatedMessage === false
  return !codeOf(error).startsWith('ERR_')
}

function withName(name: string, text: string, secrets: readonly string[]): string {
  const line = quoteForeign(text, secrets, longest)
  if (line === '') return name
  return name === 'Error' ? line : `${name}: ${line}`
}

/** V8's messages quote the code; these few quote the value as well. */
function withoutValues(name: string, message: string): string {
  if (name !== 'TypeError') return message
  return message
    .replace(/^(Cannot use 'in' operator to search for ).*/s, '$1a key in a value that is not an object')
    .replace(/^(Cannot create property '[^']*' on \w+ ).*/s, '$1…')
    .replace(/^(Cannot assign to read only property '[^']*' of \w+ ).*/s, '$1…')
}

/** A thrown value may be a row, so only a text is shown. */
function describeValue(thrown: unknown, secrets: readonly string[]): ThrownExplanation {
  if (typeof thrown === 'string') {
    const text = quoteForeign(thrown, secrets, longest)
    return { code: 'not-an-error', message: `the text "${text}" was thrown, which is not an Error`, isPrivate: true }
  }
  return { code: 'not-an-error', message: `${kindOf(thrown)} was thrown, which is not an Error`, isPrivate: true }
}

function codeOf(error: Error): string {
  return errorCodeOf(error) || nameOf(error)
}

function nameOf({ name }: Error): string {
  return typeof name === 'string' ? name : 'Error'
}

function causesOf(error: Error): readonly unknown[] {
  const isAggregate = error instanceof AggregateError || nameOf(error) === 'AggregateError'
  if (isAggregate && 'errors' in error && Array.isArray(error.errors)) return error.errors.slice(0, widest)
  return error.cause === undefined ? [] : [error.cause]
}

interface Frame {
  readonly caller: string | undefined
  /** A path, `node:…`, or `<anonymous>` for V8's built-ins. */
  readonly file: string
  readonly position: string
}

function framesOf(error: Error): readonly Frame[] {
  const { stack } = error
  if (typeof stack !== 'string') return []
  const message = asText(error.message)
  // The stack begins with the message, whose lines may look like frames.
  const at = message === '' ? -1 : stack.indexOf(message)
  const lines = (at < 0 ? stack : stack.slice(at + message.length)).split('\n')
  return lines.flatMap(line => {
    const [, caller, inner, alone] = /^\s+at (?:(.*?) \((.*)\)|(\S.*))$/.exec(line) ?? []
    const place = inner ?? alone?.replace(/^async /, '')
    if (place === undefined) return []
    const [, file = '', position = ''] = /^(.*?)((?::\d+){0,2})$/.exec(place) ?? []
    return [{ caller: caller?.replace(/^(?:async|new) /, ''), file: pathOf(file), position }]
  })
}

function pathOf(file: string): string {
  // The URL of another machine's file, for example, has no path.
  return file.startsWith('file://') ? (readSafely(() => fileURLToPath(file)) ?? file) : file
}

const packages = '/node_modules/'

function isInProject({ file }: Frame): boolean {
  return file.startsWith('/') && !file.includes(packages)
}

function showPlace({ file, position }: Frame): string {
  // The project is the working directory of the process.
  const path = relative('', file)
  return `${path.startsWith('..') ? file : path}${position}`
}
