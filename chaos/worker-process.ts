import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, globSync, readFileSync, rmSync, type WriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { mainPath } from '../test/fixtures/wiki-project.ts'
import { findFreePort } from '../test/services/free-port.ts'
import { type Counts, guardOf } from './guards.ts'
import { type FaultProxy, openProxy } from './proxy.ts'
import { portOf, type World } from './world.ts'

export interface StartOptions {
  /** Starts a version of the project without this job. */
  readonly without?: string
  /** How far its clock is ahead, in seconds; `setClock` changes it later. */
  readonly aheadSeconds?: number
}

/** A worker's place: its process is killed and started again, while port and proxies stay. */
export interface Worker extends AsyncDisposable {
  readonly number: number
  readonly url: string
  readonly store: FaultProxy | undefined
  readonly redis: FaultProxy | undefined
  /** The addresses of store and queue through this worker's proxies. */
  variables(): Readonly<Record<string, string>>
  /** The current process. */
  readonly pid: number | undefined
  /** Since when it can answer; undefined while it starts, is paused or isn't running. */
  readonly answeringSince: number | undefined
  start(options?: StartOptions): Promise<void>
  /** Resolves when it can answer, or after a number of milliseconds. */
  ready(withinMs: number): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
  /** Sends SIGTERM. @returns milliseconds until it ended; undefined if nothing was running */
  stop(): Promise<number | undefined>
  setClock(aheadSeconds: number): Promise<void>
  /** Megabytes of memory; undefined if nothing is running. */
  memory(): number | undefined
  /** How many lines it has logged, and how many of them are warnings or errors. */
  readonly lines: { all: number; warnings: number }
}

export interface WorkerDeps {
  readonly guards: Counts
  readonly logFolder: string
  /** It exited unexpectedly. */
  readonly onDeath: (worker: number, why: string) => void
}

export async function openWorker(world: World, number: number, deps: WorkerDeps): Promise<Worker> {
  await using opened = new AsyncDisposableStack()
  const { server } = world.store
  const store = server && opened.use(await openProxy(() => server.port))
  const redis = world.redis && opened.use(await openProxy(portOf(world.redis.url)))
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const log: WriteStream = createWriteStream(join(deps.logFolder, `worker-${number}.log`), { flags: 'a' })
  opened.defer(() => void log.end())
  const clockFile = join(world.folder, `clock-${number}`)
  const lines = { all: 0, warnings: 0 }
  let child: ChildProcess | undefined
  let expected = false
  let answeringSince: number | undefined

  const variables = (): Record<string, string> => ({
    ...world.store.variables(store?.port),
    ...(redis && { REDIS_URL: `redis://127.0.0.1:${redis.port}` }),
  })

  async function setClock(aheadSeconds: number): Promise<void> {
    await writeFile(clockFile, `+${aheadSeconds}s`)
  }

  async function start(options: StartOptions = {}): Promise<void> {
    if (child) return
    await setClock(options.aheadSeconds ?? 0)
    const started = spawn(process.execPath, [mainPath, 'worker'], {
      cwd: world.project,
      env: {
        PATH: process.env.PATH,
        ...world.environment,
        ...variables(),
        PORT: String(port),
        ...(options.without !== undefined && { CHAOS_WITHOUT: options.without }),
        ...(world.timeLibrary !== undefined && timeVariables(world.timeLibrary, clockFile)),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child = started
    expected = false
    createInterface({ input: started.stderr }).on('line', line => {
      lines.all += 1
      if (/^\{"level":"(warn|error|fatal)"/.test(line)) lines.warnings += 1
      if (line.includes('"msg":"worker ready')) answeringSince ??= Date.now()
      const guard = guardOf(line)
      if (guard) deps.guards.add(guard)
      log.write(`${line}\n`)
    })
    started.once('exit', (code, signal) => {
      if (started.pid !== undefined) removeTimeLock(started.pid)
      log.write(`--- ended with ${signal ?? code}\n`)
      if (child !== started) return
      child = undefined
      answeringSince = undefined
      if (!expected) deps.onDeath(number, signal ?? `exit code ${code}`)
    })
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | undefined> {
    const ending = child
    if (!ending) return undefined
    expected = true
    answeringSince = undefined
    const begun = performance.now()
    const exited = once(ending, 'exit')
    ending.kill('SIGCONT')
    ending.kill(signal)
    await exited
    return performance.now() - begun
  }

  const closing = opened.move()
  return {
    number,
    url,
    variables,
    store,
    redis,
    lines,
    get pid() {
      return child?.pid
    },
    get answeringSince() {
      return answeringSince
    },
    start,
    async ready(withinMs) {
      const deadline = performance.now() + withinMs
      while (answeringSince === undefined && performance.now() < deadline) await delay(100)
    },
    async kill() {
      await end('SIGKILL')
    },
    pause() {
      answeringSince = undefined
      child?.kill('SIGSTOP')
    },
    resume() {
      if (!child) return
      child.kill('SIGCONT')
      answeringSince = Date.now()
    },
    async stop() {
      const ending = child
      // A worker that hangs must not block the harness.
      const overdue = setTimeout(() => ending?.kill('SIGKILL'), patienceMs)
      const took = await end('SIGTERM')
      clearTimeout(overdue)
      return took
    },
    setClock,
    memory: () => (child?.pid === undefined ? undefined : residentMegabytes(child.pid)),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL')
      await closing.disposeAsync()
    },
  }
}

/** Milliseconds after SIGTERM after which a worker is killed. */
const patienceMs = 120_000

function timeVariables(library: string, file: string): Record<string, string> {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    // Only the wall clock is wrong: a monotonic clock doesn't jump.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
}

/** Files that libfaketime leaves behind would make a later process with the same pid exit with 1 at its start. */
function removeTimeLock(pid: number): void {
  for (const file of globSync(`/dev/shm/*faketime_s[eh]m_${pid}`)) rmSync(file, { force: true })
}

function residentMegabytes(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1_024
  } catch {
    return undefined
  }
}
