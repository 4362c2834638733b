import { parseEnv } from 'node:util'
import { ConfigError, type Explanation } from '../errors.ts'
import type { Environment } from './config.ts'

/** What `.env` gave to the environment. */
export interface EnvFile {
  readonly path: string
  /** The names that it sets and the environment doesn't: the environment wins. */
  readonly variables: readonly string[]
}

/**
 * The environment with what `.env` sets beside it, by Node's rules for such files: quotes, comments, values of several lines.
 *
 * @param read of a file that isn't there rejects with `ENOENT`, which is fine
 * @throws ConfigError when it can't be read, or for each line that Node would take for something else than it was meant for;
 *   what a line says is never repeated
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
  return { env: { ...env, ...Object.fromEntries(taken) }, envFile: { path, variables: taken.map(([name]) => name) } }
}

/** Node reads its own variables before there is anything that could read a file. */
export function findVariablesOfNode({ variables }: EnvFile): readonly string[] {
  return variables.filter(name => name.startsWith('NODE_'))
}

async function readText(path: string, read: (path: string) => Promise<string>): Promise<string | undefined> {
  try {
    const text = await read(path)
    // Some editors begin a file with a byte order mark, which Node would make a part of the first name.
    return text.replace(/^\uFEFF/, '')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no code'
    if (code === 'ENOENT') return undefined
    const remedy = `make ${path} readable for the user of the worker, or remove it`
    throw new ConfigError([{ found: `.env can't be read (${code})`, remedy }])
  }
}

const name = String.raw`^\s*(?:export )?[A-Za-z_]\w*[ \t]*=`
const quotedValue = new RegExp(String.raw`(${name}[ \t]*)(["'\`])([^]*?)\2`, 'gm')
const openQuote = new RegExp(String.raw`${name}[ \t]*["'\`]`)
const fineLine = new RegExp(String.raw`${name}|^\s*(?:#|$)`)

/** Node would join a line that sets no variable and the next one to a single name, and keep a quote that doesn't end. */
function findProblems(text: string): readonly Explanation[] {
  const withoutQuoted = text.replaceAll(
    quotedValue,
    (_all, before: string, _quote, value: string) => before + value.replaceAll(/[^\n]/g, ''),
  )
  return withoutQuoted.split('\n').flatMap((line, index) => {
    const place = `line ${index + 1} of .env`
    if (!fineLine.test(line)) {
      return [{ found: `In ${place} no variable is set`, remedy: 'write NAME=value, or # before a comment' }]
    }
    if (openQuote.test(line)) {
      return [{ found: `The value in ${place} begins with a quote that doesn't end`, remedy: 'close it' }]
    }
    return []
  })
}
