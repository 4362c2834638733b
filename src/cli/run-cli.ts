import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Definitions, type Host, openApp } from '../app.ts'
import { type Config, type Environment, parseConfig } from '../config.ts'
import { ConfigError, UsageError } from '../errors.ts'
import { createControlClient } from '../http/control-client.ts'
import { createLocalOperations } from '../http/local-operations.ts'
import type { Operations } from '../http/operations.ts'
import { createLog, describeError } from '../log.ts'
import { controlSocketPath, isOwned } from '../store/data-dir-claim.ts'
import type { Command, Terminal } from './command.ts'
import { commands } from './commands.ts'
import { exitCodeOf } from './exit-code.ts'

export interface Invocation {
  /** Behind the program's name. */
  readonly argv: readonly string[]
  readonly env: Environment
  readonly terminal: Terminal
  readonly signal: AbortSignal
  readonly host: Omit<Host, 'log'>
  readonly loadDefinitions: () => Promise<Definitions>
}

/** Runs one command. @returns the exit code; everything that can be said has been written to the terminal */
export async function runCli(invocation: Invocation): Promise<number> {
  const { argv, env, terminal, signal } = invocation
  try {
    const [name = '', ...rest] = argv
    if (name === '' || name === 'help' || name === '--help') {
      terminal.out(usage())
      return name === '' ? 2 : 0
    }
    const command = commands[name]
    if (!command) throw new UsageError(`There is no command "${name}".\n\n${usage()}`)
    const { words, options } = parseWords(command, rest)
    const config = parseConfig(env, await readAccountsFile(env))
    // A command in the foreground says what matters itself; only the worker tells its story in the log.
    const log = createLog(env.LOG_LEVEL || name === 'worker' ? config.logLevel : 'warn')
    const host: Host = { ...invocation.host, log }
    const { loadDefinitions } = invocation
    return await command.run({
      config,
      loadDefinitions,
      host,
      log,
      terminal,
      signal,
      words,
      options,
      withOperations: work => withOperations(config, loadDefinitions, host, work),
    })
  } catch (error) {
    const code = exitCodeOf(error)
    for (const line of linesOf(error)) terminal.err(`${line}\n`)
    return code
  }
}

/** An embedded database has one owner: while that is another process, its control socket is asked instead. */
async function withOperations<T>(
  config: Config,
  loadDefinitions: () => Promise<Definitions>,
  host: Host,
  work: (operations: Operations) => Promise<T>,
): Promise<T> {
  if (!config.databaseUrl && (await isOwned(config.dataDir))) {
    return work(createControlClient(controlSocketPath(config.dataDir), host.clock))
  }
  await using app = await openApp(config, await loadDefinitions(), host)
  return await work(createLocalOperations(app.deps))
}

function parseWords(command: Command, rest: readonly string[]) {
  try {
    const parsed = parseArgs({ args: [...rest], options: command.options, allowPositionals: true })
    const [min, max] = command.words
    if (parsed.positionals.length < min || parsed.positionals.length > max) throw new Error('wrong number of words')
    return { words: parsed.positionals, options: parsed.values }
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${what}\nusage: ${command.usage}`)
  }
}

async function readAccountsFile(env: Environment): Promise<unknown> {
  const path = env.ACCOUNTS_FILE
  if (!path) return undefined
  let content: string
  try {
    content = await readFile(path, 'utf8')
  } catch {
    throw new ConfigError([`ACCOUNTS_FILE ${path} can't be read: check the path and its permissions.`])
  }
  try {
    const { parse } = await import('yaml')
    return parse(content)
  } catch (error) {
    const where = error instanceof Error ? error.message.split('\n')[0] : ''
    throw new ConfigError([`ACCOUNTS_FILE ${path} is neither YAML nor JSON: ${where}`])
  }
}

/** One line per problem; a user's mistake gets no stack. */
function linesOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems
  return [describeError(error).message]
}

function usage(): string {
  const lines = Object.values(commands).map(({ usage: words, summary }) => `  ${words}\n      ${summary}`)
  return `hasura-sync-worker <command>\n\n${lines.join('\n')}\n`
}
