import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { childProcesses } from '../services/child-processes.ts'

/** Whether folders can be mounted in a namespace of their own, which takes root on Linux. */
export const canRunInRoot = process.getuid?.() === 0 && hasNamespaces()

function hasNamespaces(): boolean {
  try {
    execFileSync('unshare', ['--mount', '--pid', '--fork', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface Bind {
  readonly source: string
  readonly target: string
  readonly isReadOnly: boolean
}

export interface RootOptions {
  /** Becomes `/`, with this machine's programs in it, and this Node. */
  readonly root: string
  readonly isReadOnly: boolean
  readonly workingFolder: string
  /** `root`, or `node`, which is 1000 as in the images of Node. */
  readonly user: string
  readonly binds?: readonly Bind[]
  /** All of it, besides PATH and HOME. */
  readonly environment: NodeJS.ProcessEnv
}

export interface Contained extends AsyncDisposable {
  /** What it has written so far, to both streams. */
  output(): string
  /** Ends with the process. */
  readonly exitCode: Promise<number | null>
  /** SIGTERM, then SIGKILL when that much time has passed, as a container is stopped. @returns the exit code */
  stop(graceMs: number): Promise<number | null>
}

/** Runs a command as process 1 of a root folder of its own. */
export function runInRoot(command: readonly string[], options: RootOptions): Contained {
  const { root, isReadOnly, workingFolder, user, binds = [], environment } = options
  const script = join(import.meta.dirname, 'run-in-root.sh')
  const child = spawn(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--kill-child', 'sh', script, root, isReadOnly ? 'ro' : 'rw'],
      ...[dirname(process.execPath), workingFolder, user === 'root' ? 'root' : '1000'],
      ...binds.flatMap(bind => [bind.source, bind.target, bind.isReadOnly ? 'ro' : 'rw']),
      ...['--', ...command],
    ],
    {
      env: {
        ...environment,
        PATH: '/opt/node:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: user === 'root' ? '/root' : '/home/node',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => void lines.push(line))
  }
  const exitCode = once(child, 'close').then(() => child.exitCode)
  const kill = (signal: NodeJS.Signals) => {
    // unshare doesn't pass signals on.
    for (const pid of childProcesses(child.pid ?? 0)) process.kill(pid, signal)
  }
  return {
    output: () => lines.join('\n'),
    exitCode,
    async stop(graceMs) {
      kill('SIGTERM')
      const overdue = setTimeout(() => kill('SIGKILL'), graceMs)
      try {
        return await exitCode
      } finally {
        clearTimeout(overdue)
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exitCode
    },
  }
}
