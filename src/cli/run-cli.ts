import { dirname, join } from 'node:path'
import { type App, type Definitions, type Host, openApp } from '../app/app.ts'
import { type Config, type Environment, parseConfig } from '../config/config.ts'
import { explainEnvironment } from '../config/explain-environment.ts'
import { loadAccountsFile } from '../config/load-accounts-file.ts'
import type { Project } from '../config/project.ts'
import { type EnvFile, findVariablesOfNode, readEnvFile } from '../config/read-env-file.ts'
import { readValue } from '../config/read-value.ts'
import { createRunLog } from '../dashboard/run-log.ts'
import { ConfigError } from '../errors.ts'
import { type Explanation, renderExplanation } from '../explanation.ts'
import { createControlClient, waitForOwner } from '../http/control-client.ts'
import { findPackageManager } from '../init/package-manager.ts'
import { createLog, describeError, type Log } from '../log.ts'
import { createLocalOperations } from '../operations/local-operations.ts'
import type { Operations } from '../operations/registry.ts'
import { useProxies } from '../outgoing/use-proxies.ts'
import { controlSocketPath, isOwned } from '../store/data-dir-claim.ts'
import type { CommandContext, LiveTerminal, Terminal } from './command.ts'
import { commandGroups, commands } from './commands.ts'
import { exitCodeOf } from './exit-code.ts'
import { createLiveTerminal } from './live-terminal.ts'
import { MissingCommandError, parseArguments } from './parse-arguments.ts'
import { printLogLine } from './print-log.ts'
import { createSafeTerminal } from './safe-terminal.ts'
import { spellCommands } from './spell-commands.ts'
import { createUnforeseenListener, type UnforeseenListener } from './unforeseen.ts'
import { worker } from './worker.ts'

export interface Invocation {
  /** The arguments after the program's name. */
  readonly argv: readonly string[]
  readonly env: Environment
  /** Path of `.env`; the file may be missing. */
  readonly envFilePath: string
  /** Folder of the engine's package, which holds its templates. */
  readonly engineFolder: URL
  /** Version of the program, for `--version`. */
  readonly version: string
  /** What may be wrong with this installation; logged by each command that reads the configuration. */
  readonly warning?: Explanation | undefined
  readonly terminal: Terminal
  /** Keeps what jobs print out of the result of a command. */
  readonly reserveOutput: () => void
  readonly signal: AbortSignal
  readonly onHangup: CommandContext['onHangup']
  /** Passes uncaught errors to the listener, which decides whether the process continues. */
  readonly onUnforeseen: (listener: UnforeseenListener) => void
  readonly host: Omit<Host, 'log' | 'env'>
  readonly loadDefinitions: (project: Project) => Promise<Definitions>
}

const defaultColumns = 100

/** Runs one command and writes its result or error to the terminal. @returns the exit code */
export async function runCli(invocation: Invocation): Promise<number> {
  const { argv, version, signal } = invocation
  const isJson = argv.includes('--json')
  const manager = await findPackageManager(invocation.host.project.folder)
  const { terminal, told } = watch(
    spellCommands(createSafeTerminal(createLiveTerminal(invocation.terminal)), manager, isJson),
  )
  using resources = new DisposableStack()
  const createContext = (own: Invocation, settings: Settings, isWorker: boolean): CommandContext => {
    if (settings.config.proxies) resources.use(useProxies(settings.config.proxies))
    return assembleContext(own, settings, terminal, { isWorker })
  }
  try {
    const columns = terminal.columns ?? defaultColumns
    const asked = parseArguments({ commands, groups: commandGroups, version, columns }, argv)
    if (!asked.command) {
      terminal.out(asked.text)
      return 0
    }
    const command = asked.command.prepare(asked.given)
    const isWorker = asked.command === worker
    if (!isWorker) invocation.reserveOutput()
    if (command.runAlone) {
      const { host, engineFolder } = invocation
      const openContext = async (folder: string): Promise<CommandContext> => {
        const project = { ...host.project, folder }
        const own = { ...invocation, host: { ...host, project }, envFilePath: join(folder, '.env') }
        return createContext(own, await readSettings(own), isWorker)
      }
      return await command.runAlone({ project: host.project, engineFolder, terminal, signal, openContext })
    }
    let settings: Settings
    try {
      settings = await readSettings(invocation)
    } catch (error) {
      if (error instanceof ConfigError && command.onConfigError) return command.onConfigError(error, terminal)
      throw error
    }
    return await command.run(createContext(invocation, settings, isWorker))
  } catch (error) {
    const code = exitCodeOf(error)
    const lines = linesOf(error, signal)
    for (const line of lines) terminal.err(`${line}\n`)
    // With --json, stdout holds one document, also after an error.
    if (isJson && !told()) {
      terminal.out(`${JSON.stringify({ error: { code: describeError(error).code, message: lines.join('\n') } })}\n`)
    }
    return code
  }
}

function assembleContext(
  invocation: Invocation,
  { config, env, envFile }: Settings,
  terminal: LiveTerminal,
  { isWorker }: { readonly isWorker: boolean },
): CommandContext {
  const { version, warning, signal, onHangup } = invocation
  // A foreground command prints what matters itself; only the worker logs its events.
  const level = env.LOG_LEVEL || isWorker ? config.logLevel : 'warn'
  const runLog = createRunLog()
  const print = terminal.isInteractive ? (line: string) => printLogLine(terminal, line) : undefined
  const log = createLog(level, print, isWorker ? runLog.add : undefined)
  invocation.onUnforeseen(createUnforeseenListener(log))
  log.info({ version }, `hasura-sync-worker ${version}`)
  if (warning) log.warn(renderExplanation(warning))
  if (envFile) tellEnvFile(log, envFile)
  const host: Host = { ...invocation.host, log, env }
  const loadDefinitions = () => invocation.loadDefinitions(host.project)
  return {
    version,
    config,
    env,
    envFile,
    loadDefinitions,
    host,
    log,
    runLog,
    terminal,
    signal,
    onHangup,
    withOperations(work, needs = 'jobs') {
      const load = needs === 'jobs' ? loadDefinitions : () => findDefinitions(loadDefinitions, terminal)
      return withOperations(config, load, host, signal, work)
    },
  }
}

/** Wraps a terminal to know whether anything was written to `out`. */
function watch(terminal: LiveTerminal): { terminal: LiveTerminal; told: () => boolean } {
  let wrote = false
  const out = (text: string): void => {
    wrote = true
    terminal.out(text)
  }
  return { terminal: { ...terminal, out }, told: () => wrote }
}

/** An embedded database has one owner: while another process has it open, work goes through its control socket. */
async function withOperations<T>(
  config: Config,
  loadDefinitions: () => Promise<Definitions | undefined>,
  host: Host,
  signal: AbortSignal,
  work: (operations: Operations) => Promise<T>,
): Promise<T> {
  const isElsewhere = async (): Promise<boolean> => !config.databaseUrl && (await isOwned(config.dataDir))
  for (;;) {
    if (await isElsewhere()) {
      const socketPath = controlSocketPath(config.dataDir)
      if (await waitForOwner(socketPath, host, signal)) return work(createControlClient(socketPath))
    }
    const definitions = await loadDefinitions()
    let opened: App
    try {
      opened = await openApp(config, definitions, host)
    } catch (error) {
      // Another process opened the database first.
      if (error instanceof ConfigError && (await isElsewhere())) continue
      throw error
    }
    await using app = opened
    const ended = app.database.ended.then(error => {
      throw error
    })
    return await Promise.race([work(createLocalOperations(app)), ended])
  }
}

async function findDefinitions(load: () => Promise<Definitions>, terminal: Terminal): Promise<Definitions | undefined> {
  try {
    return await load()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) terminal.err(`${renderExplanation(problem)}\n`)
    return undefined
  }
}

interface Settings extends Pick<CommandContext, 'config' | 'env' | 'envFile'> {}

/** @throws ConfigError */
async function readSettings({ env: own, envFilePath, host }: Invocation): Promise<Settings> {
  const { env, envFile } = await readEnvFile(own, envFilePath, host.readSecretFile)
  const path = readValue(env.ACCOUNTS_FILE ?? '').value
  const accounts = path ? await loadAccountsFile(path) : undefined
  try {
    return { config: parseConfig(env, accounts), env, envFile }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError([...error.problems, ...explainEnvironment(env, envFile, dirname(envFilePath))])
  }
}

function tellEnvFile(log: Log, envFile: EnvFile): void {
  log.info({ variables: envFile.variables }, '.env was read')
  for (const name of findVariablesOfNode(envFile)) {
    log.warn(`${name} in .env has no effect, because Node reads it at start: set it in the environment`)
  }
}

/** One line per problem, without a stack for a user's mistake. */
function linesOf(error: unknown, signal: AbortSignal): readonly string[] {
  if (error instanceof ConfigError) return error.problems.map(renderExplanation)
  if (error instanceof MissingCommandError) return [`${error.message}.\n\n${error.help}`]
  if (signal.aborted && error === signal.reason) {
    return ['Interrupted.']
  }
  return [describeError(error).message]
}
