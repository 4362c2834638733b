import { z } from 'zod'
import type { Definitions, Host } from '../app/app.ts'
import type { Config, Environment } from '../config/config.ts'
import type { Project } from '../config/project.ts'
import type { EnvFile } from '../config/read-env-file.ts'
import { type ConfigError, type Explanation, UsageError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Operations } from '../operations/registry.ts'

/** Where a command writes: its result to `out`, and what is for a person watching to `err`. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** A person is watching: progress may be drawn. */
  readonly isInteractive: boolean
  /** What is for a person may have colours. */
  readonly hasColors: boolean
  /** How many columns `out` has; undefined when it isn't a terminal. */
  readonly columns?: number | undefined
  /** Asks a person and waits for a line; absent where nobody can answer. */
  readonly ask?: ((question: string, signal: AbortSignal) => Promise<string>) | undefined
}

/** A terminal with one line that is drawn anew again and again; whatever is written next takes its place. */
export interface LiveTerminal extends Terminal {
  /** Does nothing where nobody is watching. */
  draw(text: string): void
}

/** What a command works with. */
export interface CommandContext {
  readonly config: Config
  /** For what concerns one command alone; what `.env` sets is in it. */
  readonly env: Environment
  /** Undefined where there is no such file. */
  readonly envFile: EnvFile | undefined
  /** Loaded by the commands that know jobs, so that the schema can be pulled before any code was generated from it. */
  loadDefinitions(): Promise<Definitions>
  readonly host: Host
  readonly log: Log
  readonly terminal: LiveTerminal
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /**
   * Calls back at each SIGHUP until the function that it returns is called; a process where nobody listens ends by it.
   */
  onHangup(listener: () => void): () => void
  /**
   * The operations here, or those of the worker that owns the embedded database.
   *
   * @param needs `nothing` for what can be told without any job: jobs that can't be loaded are mentioned, and left out
   */
  withOperations<T>(work: (operations: Operations) => Promise<T>, needs?: 'jobs' | 'nothing'): Promise<T>
}

/** What was given on the command line, by the names of arguments and options, as the parser took it. */
export type Given = Readonly<Record<string, unknown>>

export interface Command {
  /**
   * The word that calls it, or the two words of a command that belongs to a group: `schema pull`. The group's first word may be a
   * command of its own, which is listed before them.
   */
  readonly name: string
  readonly summary: string
  /** By their names in camelCase, in the order in which they are given; each made by a function of `options.ts`. */
  readonly arguments: z.ZodRawShape
  /** By their names in camelCase: `dryRun` is given as `--dry-run`. */
  readonly options: z.ZodRawShape
  /** @throws UsageError when a value is not what its argument or option takes */
  prepare(given: Given): PreparedCommand
}

/** A command that knows what it was given. */
export interface PreparedCommand {
  /** @returns the exit code */
  run(context: CommandContext): Promise<number>
  /** For the command whose business it is to tell what is wrong with the configuration. @returns the exit code */
  readonly onConfigError: ((error: ConfigError, terminal: Terminal) => number) | undefined
  /** For a command that needs no configuration: called in place of `run`. @returns the exit code */
  readonly runAlone?: (surroundings: Surroundings) => Promise<number>
}

/** What a command has that needs no configuration. */
export interface Surroundings {
  /** The folder that it was started in, whether there is a project or not. */
  readonly project: Project
  /** Of the engine's own package. */
  readonly engineFolder: URL
  readonly terminal: LiveTerminal
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /**
   * What a command of the project in this folder works with; its `.env` is read.
   *
   * @throws ConfigError
   */
  openContext(folder: string): Promise<CommandContext>
}

/** A command that is there before there is any configuration. */
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

/** A command declares arguments and options with their texts; its `run` gets their values, typed, in one object. */
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

/** Of several wrong values the first: the others may be right once it is. */
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
