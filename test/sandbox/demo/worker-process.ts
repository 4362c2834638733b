import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { type LogLine, parseLogLine } from '../../../src/cli/log-line.ts'
import { bareEnvironment } from '../../fixtures/bare-environment.ts'
import { mainPath } from '../../fixtures/wiki-project.ts'
import { DemoError } from './demo-error.ts'
import { demoProject } from './demo-project.ts'

/** How long the worker may take to stop before it is killed, in milliseconds: longer than its own grace. */
const stopWithinMs = 15_000
const keptLines = 15

export interface WorkerProcess extends AsyncDisposable {
  /**
   * The first log line that matches, including earlier ones. Rejects when the signal is aborted, or when a line is a failure: with
   * the message from `findFailure`.
   */
  waitFor(matches: (line: LogLine) => boolean, signal: AbortSignal): Promise<LogLine>
  /** Aborted with a DemoError when it exits unexpectedly. */
  readonly lost: AbortSignal
  /** Its last output, to find out why it failed. */
  lastLines(): readonly string[]
  kill(): void
  /** SIGTERM, as an orchestrator sends it. @returns the exit code */
  stop(): Promise<number | null>
}

/** Starts `worker` with nothing but these variables in its environment. */
export function startWorker(
  environment: Readonly<Record<string, string>>,
  onLine: (line: LogLine) => void,
  findFailure: (line: LogLine) => string | undefined,
): WorkerProcess {
  const child = spawn(process.execPath, [mainPath, 'worker'], {
    cwd: demoProject.folder,
    env: { ...bareEnvironment, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: LogLine[] = []
  const last: string[] = []
  const news = new EventEmitter().setMaxListeners(20)
  createInterface({ input: child.stderr }).on('line', text => {
    last.push(text)
    if (last.length > keptLines) last.shift()
    const line = parseLogLine(text)
    if (!line) return
    lines.push(line)
    onLine(line)
    news.emit('line')
  })
  const lost = new AbortController()
  let isStopping = false
  // Not `exit`: its last output may not have arrived by then.
  child.once('close', (code, signal) => {
    if (!isStopping) lost.abort(new DemoError(`The worker exited unexpectedly (${signal ?? `exit code ${code}`}).`))
  })
  const stop = (): Promise<number | null> => {
    isStopping = true
    return stopChild(child)
  }

  return {
    async waitFor(matches, signal) {
      for (let seen = 0; ; ) {
        for (; seen < lines.length; seen++) {
          const line = lines[seen]
          const failure = line && findFailure(line)
          if (failure) throw new DemoError(failure)
          if (line && matches(line)) return line
        }
        signal.throwIfAborted()
        await once(news, 'line', { signal })
      }
    },
    lost: lost.signal,
    lastLines: () => last,
    kill: () => void child.kill('SIGKILL'),
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

async function stopChild(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  const overdue = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
  await closed
  clearTimeout(overdue)
  return child.exitCode
}
