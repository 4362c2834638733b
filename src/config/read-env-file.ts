import { parseEnv } from 'node:util'
import { ConfigError, errorCodeOf } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { Environment } from './config.ts'
import { findEncodingProblem } from './find-encoding-problem.ts'

/** What `.env` added to the environment. */
export interface EnvFile {
  readonly path: string
  /** The variables that it sets; without those that the environment sets too, because the environment takes precedence. */
  readonly variables: readonly string[]
  /** Those that the environment sets to nothing. */
  readonly hidden: readonly string[]
}

/**
 * Adds the variables of `.env` to the environment, by Node's rules for such files: quotes, comments, multi-line values.
 *
 * @param read may reject with `ENOENT`: the file is optional
 * @throws ConfigError when the file can't be read, and for each line that Node would misread; never quotes a line
 */
export async function readEnvFile(
  env: Environment,
  path: string,
  read: (path: string) => Promise<string>,
): Promise<{ readonly env: Environment; readonly envFile: EnvFile | undefined }> {
  const text = await readText(path, read)
  if (text === undefined) return { env, envFile: undefined }
  const values = parseEnv(text)
  const problems = findProblems(text)
  if (problems.length > 0) throw new ConfigError(problems)
  const taken = Object.entries(values).filter(([name]) => env[name] === undefined)
  const hidden = Object.entries(values).filter(([name, value]) => value && env[name] === '')
  return {
    env: { ...env, ...Object.fromEntries(taken) },
    envFile: { path, variables: taken.map(([name]) => name), hidden: hidden.map(([name]) => name) },
  }
}

/** Node reads its own variables at start, before `.env` is read. */
export function findVariablesOfNode({ variables }: EnvFile): readonly string[] {
  return variables.filter(name => name.startsWith('NODE_'))
}

async function readText(path: string, read: (path: string) => Promise<string>): Promise<string | undefined> {
  try {
    const text = await read(path)
    // Node would read a byte order mark as a part of the first name.
    return withoutBlanks(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    const code = errorCodeOf(error) ?? 'no code'
    if (code === 'ENOENT') return undefined
    const remedy = `make ${path} readable by the worker's user, or remove it`
    throw new ConfigError([{ found: `.env can't be read (${code})`, remedy }])
  }
}

const name = String.raw`^\s*(?:export )?[A-Za-z_]\w*[ \t]*=`
const quotedValue = new RegExp(String.raw`(${name}[ \t]*)(["'\`])([^]*?)\2`, 'gm')
const openQuote = new RegExp(String.raw`${name}[ \t]*["'\`]`)
const blankValue = new RegExp(String.raw`${quotedValue.source}|(${name})[ \t]+$`, 'gm')
/** In the place of a quoted value: no file holds it. */
const quoted = '\u0001'
const afterQuote = new RegExp(`${quoted}(?!\\s*(?:#|$))`)
const cutValue = new RegExp(String.raw`${name}[^#]*[^\s#]#`)
const fineLine = new RegExp(String.raw`${name}|^\s*(?:#|$)|^${quoted}`)

/** After `NAME=` and white space, Node would take the next line for the value (since nodejs/node#56983). */
function withoutBlanks(text: string): string {
  return text.replaceAll(blankValue, (all, _before, _quote, _value, blank?: string) => blank ?? all)
}

/**
 * Node would join a line without an assignment and the next line into one name, keep an unclosed quote, and cut a value at a `#` or
 * after its closing quote.
 */
function findProblems(text: string): readonly Explanation[] {
  const encoding = findEncodingProblem('.env', text)
  if (encoding) return [encoding]
  const withoutQuoted = text.replaceAll(
    quotedValue,
    (_all, before: string, _quote, value: string) => before + value.replaceAll(/[^\n]/g, '') + quoted,
  )
  return withoutQuoted.split('\n').flatMap((line, index) => {
    if (!fineLine.test(line)) {
      return [
        { found: `Line ${index + 1} of .env sets no variable`, remedy: 'write NAME=value, or # before a comment' },
      ]
    }
    if (openQuote.test(line)) {
      return [
        {
          found: `The value in line ${index + 1} of .env begins with a quote that doesn't end`,
          remedy: 'close the quote',
        },
      ]
    }
    if (cutValue.test(line)) {
      return [
        {
          found: `The value in line ${index + 1} of .env holds a #, at which it would be cut off`,
          remedy: 'enclose the value in single quotes, or put a space before the comment',
        },
      ]
    }
    if (afterQuote.test(line)) {
      return [
        {
          found: `Line ${index + 1} of .env goes on after the closing quote, where the value would be cut off`,
          remedy: 'enclose it in quotes that the value does not hold',
        },
      ]
    }
    return []
  })
}
