import { z } from 'zod'
import type { Definitions, Host } from '../app/app.ts'
import type { Config, Environment } from '../config/config.ts'
import type { Project } from '../config/project.ts'
import type { EnvFile } from '../config/read-env-file.ts'
import type { RunLog } from '../dashboard/run-log.ts'
import { type ConfigError, UsageError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { Log } from '../log.ts'
import type { Operations } from '../operations/registry.ts'

/** Where a command writes: results to `out`, messages for a person to `err`. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** Whether a person is watching, so that progress may be drawn. */
  readonly isInteractive: boolean
  /** Whether messages for a person may have colours. */
  readonly hasColors: boolean
  /** Width of `out` in columns; undefined when it isn't a terminal. */
  readonly columns?: number | undefined
  /** Width of `err` at this moment; undefined when it isn't a terminal. */
  readonly errColumns?: (() => number | undefined) | undefined
  /** Asks a question and waits for a line; absent when nobody can answer. */
  readonly ask?: ((question: string, signal: AbortSignal) => Promise<string>) | undefined
}

/** A terminal with one line that is redrawn; the next output replaces it. */
export interface LiveTerminal extends Terminal {
  /** Does nothing when nobody is watching. */
  draw(text: string): void
}

/** What a command works with. */
export interface CommandContext {
  /** The program's version. */
  readonly version: string
  readonly config: Config
  /** For settings of a single command; includes what `.env` sets. */
  readonly env: Environment
  /** Undefined when the file doesn't exist. */
  readonly envFile: EnvFile | undefined
  /** Loaded only by commands that need jobs, so that a schema can be pulled before code is generated from it. */
  loadDefinitions(): Promise<Definitions>
  readonly host: Host
  readonly log: Log
  /** Log lines of runs. */
  readonly runLog: RunLog
  readonly terminal: LiveTerminal
  /** Aborted by SIGINT and SIGTERM, and by SIGHUP while nothing listens for it. */
  readonly signal: AbortSignal
  /** Calls the listener on each SIGHUP until the returned function is called. */
  onHangup(listener: () => void): () => void
  /**
   * Runs `work` on this process's operations, or on those of the worker that owns the embedded database.
   *
   * @param needs `nothing` for work that needs no jobs: jobs that can't be loaded are reported and left out
   */
  withOperations<T>(work: (operations: Operations) => Promise<T>, needs?: 'jobs' | 'nothing'): Promise<T>
}

/** The values from the command line by name of argument or option, as the parser returns them. */
export type Given = Readonly<Record<string, unknown>>

export interface Command {
  /**
   * One word, or two for a command in a group: `schema pull`. The group's word may be a command as well, listed before the group.
   */
  readonly name: string
  readonly summary: string
  /** By name in camelCase, in the order on the command line; each made by a function of `options.ts`. */
  readonly arguments: z.ZodRawShape
  /** By name in camelCase: `dryRun` is `--dry-run`. */
  readonly options: z.ZodRawShape
  /** @throws UsageError when a value isn't valid for its argument or option */
  prepare(given: Given): PreparedCommand
}

/** A command with its parsed values. */
export interface PreparedCommand {
  /** @returns the exit code */
  run(context: CommandContext): Promise<number>
  /** For a command that reports what is wrong with the configuration. @returns the exit code */
  readonly onConfigError: ((error: ConfigError, terminal: Terminal) => number) | undefined
  /** For a command that needs no configuration: called instead of `run`. @returns the exit code */
  readonly runAlone?: (surroundings: Surroundings) => Promise<number>
}

/** What a command that needs no configuration works with. */
export interface Surroundings {
  /** The working directory, whether or not it holds a project. */
  readonly project: Project
  /** Folder of the engine's package. */
  readonly engineFolder: URL
  readonly terminal: LiveTerminal
  /** Aborted by SIGINT and SIGTERM, and by SIGHUP while nothing listens for it. */
  readonly signal: AbortSignal
  /**
   * Opens the context of the project in this folder and reads its `.env`.
   *
   * @throws ConfigError
   */
  openContext(folder: string): Promise<CommandContext>
}

/** Defines a command that works without a configuration. */
export function defineStandaloneCommand<A extends z.ZodRawShape, O extends z.ZodRawShape>(definition: {
  readonly name: string
  readonly summary: string
  readonly arguments: A
  readonly options: O
  run(values: z.output<z.ZodObject<A & O>>, surroundings: Surroundings): Promise<number>
}): Command {
  const { run, ...rest } = definition
  const schema = z.object({ ...definition.arguments, ...definition.options })
  return {
    ...rest,
    prepare(given) {
      const values = parseGiven(schema, given, definition.options)
      return {
        run: () => Promise.reject(new TypeError(`${definition.name} needs no configuration`)),
        onConfigError: undefined,
        runAlone: surroundings => run(values, surroundings),
      }
    },
  }
}

/** Defines a command: `run` gets the values of the declared arguments and options, typed, in one object. */
export function defineCommand<A extends z.ZodRawShape, O extends z.ZodRawShape>(definition: {
  readonly name: string
  readonly summary: string
  readonly arguments: A
  readonly options: O
  run(values: z.output<z.ZodObject<A & O>>, context: CommandContext): Promise<number>
  onConfigError?(error: ConfigError, values: z.output<z.ZodObject<A & O>>, terminal: Terminal): number
}): Command {
  const { run, onConfigError } = definition
  const schema = z.object({ ...definition.arguments, ...definition.options })
  return {
    ...definition,
    prepare(given) {
      const values = parseGiven(schema, given, definition.options)
      return {
        run: context => run(values, context),
        onConfigError: onConfigError && ((problem, terminal) => onConfigError(problem, values, terminal)),
      }
    },
  }
}

/** @throws UsageError */
function parseGiven<T>(schema: z.ZodType<T>, given: Given, options: z.ZodRawShape): T {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throw new UsageError(explain(parsed.error, given, options))
  return parsed.data
}

const ownFinding = z.object({ params: z.object({ found: z.string() }) })

/** Reports the first wrong value: fixing it may fix the others. */
function explain({ issues: [issue] }: z.ZodError, given: Given, options: z.ZodRawShape): Explanation {
  if (!issue) throw new TypeError('an error without an issue')
  const [name = ''] = issue.path.map(String)
  const label = name in options ? flagOf(name) : `<${kebabOf(name)}>`
  const what = ownFinding.safeParse(issue).data?.params.found ?? `is ${JSON.stringify([given[name]].flat().at(-1))}`
  return { found: `${label} ${what}`, remedy: issue.message }
}

/** @param name of an option, in camelCase */
export function flagOf(name: string): string {
  return `--${kebabOf(name)}`
}

export function kebabOf(camelCase: string): string {
  return camelCase.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}
