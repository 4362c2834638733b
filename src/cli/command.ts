import type { ParseArgsOptionsConfig } from 'node:util'
import type { Definitions, Host } from '../app.ts'
import type { Config, Environment } from '../config.ts'
import type { ConfigError } from '../errors.ts'
import type { Operations } from '../http/operations.ts'
import type { Log } from '../log.ts'

/** Where a command writes: its result to `out`, and what is for a person watching to `err`. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** A person is watching: progress may be drawn. */
  readonly isInteractive: boolean
}

/** What a command works with. */
export interface CommandContext {
  readonly config: Config
  /** For what concerns one command alone. */
  readonly env: Environment
  /** Loaded by the commands that know jobs, so that the schema can be pulled before any code was generated from it. */
  loadDefinitions(): Promise<Definitions>
  readonly host: Host
  readonly log: Log
  readonly terminal: Terminal
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /**
   * Calls back at each SIGHUP until the function that it returns is called; a process where nobody listens ends by it.
   */
  onHangup(listener: () => void): () => void
  readonly words: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>
  /** The operations here, or those of the worker that owns the embedded database. */
  withOperations<T>(work: (operations: Operations) => Promise<T>): Promise<T>
}

export interface Command {
  readonly usage: string
  readonly summary: string
  /** How many words it takes behind its name. */
  readonly words: readonly [min: number, max: number]
  readonly options: ParseArgsOptionsConfig
  /** @returns the exit code */
  run(context: CommandContext): Promise<number>
  /** For the command whose business it is to tell what is wrong with the configuration. @returns the exit code */
  onConfigError?(error: ConfigError, terminal: Terminal, options: CommandContext['options']): number
}

/** The text of an option, or undefined when it wasn't given. */
export function textOption({ options }: CommandContext, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}
