import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { WorkerError } from '../errors.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import { showIssues } from './show-issues.ts'
import { explainSqlState } from './sql-state.ts'

/** What may be told of something that was thrown and isn't ours. */
export interface ThrownExplanation {
  /** The error's own code, or its name. */
  readonly code: string
  /** What was thrown, where in the project, and what caused it. */
  readonly message: string
  /** The message holds words of the project's author, which are for the worker's operator alone. */
  readonly isPrivate: boolean
}

/** More than any sentence needs; what is longer is data. */
const longest = 500
/** So many causes, or errors of an AggregateError, are told below each other. */
const deepest = 5
const widest = 3
/** A sentence with all its causes. */
const longestMessage = 4_000

/**
 * Tells a mistake in a job to who can correct it. Who made the error decides what of it may be told: an error made in a file of
 * the project has the author's own words, or V8's about the author's code; the words of a library or of Node may quote a row, a
 * statement or an answer, so of those only name and code are told. Causes are followed.
 *
 * @param secrets are taken out of what is told, beside what looks like one
 */
export function explainThrown(thrown: unknown, secrets: readonly string[] = []): ThrownExplanation {
  const { code, message, isPrivate } = explain(thrown, secrets, 0)
  return { code, message: quoteForeign(message, secrets, longestMessage), isPrivate }
}

function explain(thrown: unknown, secrets: readonly string[], depth: number): ThrownExplanation {
  if (thrown instanceof WorkerError) return { code: thrown.code, message: thrown.message, isPrivate: false }
  if (!(thrown instanceof Error)) return describeValue(thrown, secrets)
  const frames = framesOf(thrown)
  const place = frames.find(isInProject)
  const own = sayOwn(thrown, frames, secrets)
  const where = place ? ` (at ${showPlace(place)})` : ''
  const inner = depth < deepest ? causesOf(thrown).map(cause => explain(cause, secrets, depth + 1)) : []
  const causes = inner.length > 0 ? `; cause: ${inner.map(({ message }) => message).join('; and ')}` : ''
  return {
    code: codeOf(thrown),
    message: `${own.text}${where}${causes}`,
    isPrivate: own.isPrivate || inner.some(({ isPrivate }) => isPrivate),
  }
}

/** An error's own part, without place and causes. */
function sayOwn(
  error: Error,
  frames: readonly Frame[],
  secrets: readonly string[],
): { readonly text: string; readonly isPrivate: boolean } {
  const code = codeOf(error)
  const meaning = explainSqlState(code)
  if (meaning) {
    return { text: `The database did not do what was asked: ${meaning} (SQLSTATE ${code})`, isPrivate: false }
  }
  // A system error's message holds an address or a path at most: "connect ECONNREFUSED 127.0.0.1:5432".
  if ('syscall' in error || constantMessages.has(error.message))
    return { text: withName(error, error.message, secrets), isPrivate: false }
  if (error instanceof z.core.$ZodError) {
    return { text: `${error.name}: the value has another shape: ${showIssues(error)}`, isPrivate: false }
  }
  if (isOfProject(error, frames)) return { text: withName(error, withoutValues(error), secrets), isPrivate: true }
  const [first] = frames
  const builtIn = first && first.file === '<anonymous>' && first.caller ? ` in ${first.caller}` : ''
  return { text: `${error.name}${code === error.name ? '' : ` ${code}`}${builtIn}`, isPrivate: false }
}

/** Of Node and undici, and without any data. */
const constantMessages: ReadonlySet<string> = new Set([
  'fetch failed',
  'terminated',
  'This operation was aborted',
  'The operation was aborted due to timeout',
])

/** Made in a file of the project; Node's own codes show that Node only left its own frames out. */
function isOfProject(error: Error, frames: readonly Frame[]): boolean {
  const [first] = frames
  if (!first || !isInProject(first)) return false
  if ('generatedMessage' in error) return error.generatedMessage === false
  return !codeOf(error).startsWith('ERR_')
}

function withName({ name }: Error, text: string, secrets: readonly string[]): string {
  const line = quoteForeign(text, secrets, longest)
  if (line === '') return name
  return name === 'Error' ? line : `${name}: ${line}`
}

/** V8's messages name what stands in the code; these few quote the value as well. */
function withoutValues({ name, message }: Error): string {
  if (name !== 'TypeError') return message
  return message
    .replace(/^(Cannot use 'in' operator to search for ).*/s, '$1a key in a value that is no object')
    .replace(/^(Cannot create property '[^']*' on \w+ ).*/s, '$1…')
    .replace(/^(Cannot assign to read only property '[^']*' of \w+ ).*/s, '$1…')
}

/** A value may be a row: of anything but a text no value is told. */
function describeValue(thrown: unknown, secrets: readonly string[]): ThrownExplanation {
  if (typeof thrown === 'string') {
    const text = quoteForeign(thrown, secrets, longest)
    return { code: 'not-an-error', message: `the text "${text}" was thrown, which is no Error`, isPrivate: true }
  }
  const kind = typeof thrown === 'object' && thrown !== null ? 'an object' : String(typeof thrown)
  const keys = typeof thrown === 'object' && thrown !== null ? Object.keys(thrown).filter(isName).slice(0, 10) : []
  const what = thrown === null || thrown === undefined ? String(thrown) : kind
  const having = keys.length > 0 ? ` with ${keys.join(', ')}` : ''
  return { code: 'not-an-error', message: `${what}${having} was thrown, which is no Error`, isPrivate: true }
}

/** A key of a record can be data, such as an address. */
function isName(key: string): boolean {
  return /^[a-z_]\w{0,40}$/i.test(key)
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' && error.code !== '' ? error.code : error.name
}

function causesOf(error: Error): readonly unknown[] {
  if (error instanceof AggregateError) return error.errors.slice(0, widest)
  return error.cause === undefined ? [] : [error.cause]
}

interface Frame {
  readonly caller: string | undefined
  /** A path, `node:…`, or `<anonymous>` for what is built into V8. */
  readonly file: string
  readonly position: string
}

function framesOf({ stack = '', message }: Error): readonly Frame[] {
  // The stack begins with the message, which may have lines that look like places.
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
  return file.startsWith('file://') ? fileURLToPath(file) : file
}

function isInProject({ file }: Frame): boolean {
  return file.startsWith('/') && !file.includes('/node_modules/')
}

function showPlace({ file, position }: Frame): string {
  // The project is the folder that the process was started in.
  const path = relative('', file)
  return `${path.startsWith('..') ? file : path}${position}`
}
