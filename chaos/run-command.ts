import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { mainPath } from '../test/fixtures/wiki-project.ts'
import type { World } from './world.ts'

export interface CommandOptions {
  /** The addresses of store and queue. */
  readonly variables: Readonly<Record<string, string>>
  /** Milliseconds after which it counts as hanging and is killed. */
  readonly withinMs: number
  readonly killAfterMs?: number | undefined
  readonly signal: AbortSignal
}

export interface EndedCommand {
  readonly outcome: 'done' | 'killed' | 'told' | 'hung'
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a command as an operator does: in its own process, in the project's folder. */
export async function runCommand(
  { project, environment }: Pick<World, 'project' | 'environment'>,
  words: readonly string[],
  { variables, withinMs, killAfterMs, signal }: CommandOptions,
): Promise<EndedCommand> {
  const child = spawn(process.execPath, [mainPath, ...words], {
    cwd: project,
    env: { PATH: process.env.PATH, ...environment, LOG_LEVEL: 'warn', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  const killing = killAfterMs === undefined ? undefined : setTimeout(kill, killAfterMs)
  let hasHung = false
  const patience = setTimeout(() => {
    hasHung = true
    kill()
  }, withinMs)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  signal.removeEventListener('abort', kill)
  clearTimeout(killing)
  clearTimeout(patience)
  const { exitCode: code, signalCode } = child
  const outcome = hasHung ? 'hung' : signalCode !== null ? 'killed' : code === 0 ? 'done' : 'told'
  return { outcome, code, out, err }
}
