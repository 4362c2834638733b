import { parseArgs } from 'node:util'
import { type App, type Definitions, type Host, openApp } from '../app.ts'
import { loadAccountsFile } from '../config/load-accounts-file.ts'
import { type Config, type Environment, parseConfig } from '../config.ts'
import { ConfigError, UsageError } from '../errors.ts'
import { createControlClient, waitForOwner } from '../http/control-client.ts'
import { createLocalOperations } from '../http/local-operations.ts'
import type { Operations } from '../http/operations.ts'
import { createLog, describeError } from '../log.ts'
import { controlSocketPath, isOwned } from '../store/data-dir-claim.ts'
import type { Command, CommandContext, Terminal } from './command.ts'
import { commands } from './commands.ts'
import { exitCodeOf } from './exit-code.ts'

export interface Invocation {
  /** Behind the program's name. */
  readonly argv: readonly string[]
  readonly env: Environment
  readonly terminal: Terminal
  readonly signal: AbortSignal
  readonly onHangup: CommandContext['onHangup']
  readonly host: Omit<Host, 'log'>
  readonly loadDefinitions: () => Promise<Definitions>
}

/** Runs one command. @returns the exit code; everything that can be said has been written to the terminal */
export async function runCli(invocation: Invocation): Promise<number> {
  const { argv, env, signal } = invocation
  const [name = '', ...rest] = argv
  const { terminal, told } = watch(invocation.terminal)
  try {
    if (name === 'help' || name === '--help') {
      terminal.out(usage())
      return 0
    }
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!command)
      throw new UsageError(`${name === '' ? 'A' : `There is no command "${name}": a`} command is needed.\n\n${usage()}`)
    const { words, options } = parseWords(command, rest)
    const config = await readConfig(env)
    if (config instanceof ConfigError) {
      if (command.onConfigError) return command.onConfigError(config, terminal, options)
      throw config
    }
    // A command in the foreground says what matters itself; only the worker tells its story in the log.
    const log = createLog(env.LOG_LEVEL || name === 'worker' ? config.logLevel : 'warn')
    const host: Host = { ...invocation.host, log }
    const { loadDefinitions } = invocation
    return await command.run({
      config,
      env,
      loadDefinitions,
      host,
      log,
      terminal,
      signal,
      onHangup: invocation.onHangup,
      words,
      options,
      withOperations: work => withOperations(config, loadDefinitions, host, signal, work),
    })
  } catch (error) {
    const code = exitCodeOf(error)
    const lines = linesOf(error, signal)
    for (const line of lines) terminal.err(`${line}\n`)
    // A program that reads stdout gets its one document whatever happens.
    if (rest.includes('--json') && !told()) {
      terminal.out(`${JSON.stringify({ error: { code: describeError(error).code, message: lines.join('\n') } })}\n`)
    }
    return code
  }
}

/** The same terminal, and whether anything was written to `out`. */
function watch(terminal: Terminal): { terminal: Terminal; told: () => boolean } {
  let wrote = false
  const out = (text: string): void => {
    wrote = true
    terminal.out(text)
  }
  return { terminal: { ...terminal, out }, told: () => wrote }
}

/** An embedded database has one owner: while that is another process, its control socket is asked instead. */
async function withOperations<T>(
  config: Config,
  loadDefinitions: () => Promise<Definitions>,
  host: Host,
  signal: AbortSignal,
  work: (operations: Operations) => Promise<T>,
): Promise<T> {
  const isElsewhere = async (): Promise<boolean> => !config.databaseUrl && (await isOwned(config.dataDir))
  for (;;) {
    if (await isElsewhere()) {
      const socketPath = controlSocketPath(config.dataDir)
      if (await waitForOwner(socketPath, host.clock, signal)) return work(createControlClient(socketPath))
    }
    const definitions = await loadDefinitions()
    let opened: App
    try {
      opened = await openApp(config, definitions, host)
    } catch (error) {
      // Somebody else was a moment faster.
      if (error instanceof ConfigError && (await isElsewhere())) continue
      throw error
    }
    await using app = opened
    return await work(createLocalOperations(app.deps))
  }
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

async function readConfig(env: Environment): Promise<Config | ConfigError> {
  try {
    const { ACCOUNTS_FILE: path } = env
    return parseConfig(env, path ? await loadAccountsFile(path) : undefined)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

/** One line per problem; a user's mistake gets no stack. */
function linesOf(error: unknown, signal: AbortSignal): readonly string[] {
  if (error instanceof ConfigError) return error.problems
  if (signal.aborted && error === signal.reason) {
    return [
      'Interrupted: what was committed stays, and a run that was under way goes on from its checkpoint next time.',
    ]
  }
  return [describeError(error).message]
}

function usage(): string {
  const lines = Object.values(commands).map(({ usage: words, summary }) => `  ${words}\n      ${summary}`)
  return `hasura-sync-worker <command>\n\n${lines.join('\n')}\n`
}
