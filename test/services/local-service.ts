import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { childProcesses } from './child-processes.ts'
import type { SystemUser } from './unprivileged-user.ts'

export interface LocalServiceOptions {
  name: string
  url: string
  /** The service's own; removed with it. */
  folder: string
  command: string
  args: string[]
  env?: Record<string, string>
  user?: SystemUser | undefined
  /** Asks the server to end soon, whoever is connected. */
  stopSignal: 'TERM' | 'INT'
  isReady(): Promise<boolean>
}

/** A handle that a test can be rough with. */
export interface ServiceHandle extends AsyncDisposable {
  readonly url: string
  /** Ends the server in good order; what it stored on disk is there again after `start`. */
  stop(): Promise<void>
  /** On the same port. */
  start(): Promise<void>
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>
  /** Freezes the server: connections stay open and get no answer. */
  pause(): void
  resume(): void
}

/** A service that fails ends; this is for one that hangs. */
const READY_WITHIN_MS = 180_000

export async function createServiceFolder(name: string, user?: SystemUser, parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, `hasura-sync-worker-${name}-`))
  if (user) await chown(folder, user.uid, user.gid)
  return folder
}

/** A running service; nothing is left of one that doesn't come up. */
export async function openLocalService(options: LocalServiceOptions): Promise<LocalService> {
  const service = new LocalService(options)
  try {
    await service.start()
    return service
  } catch (error) {
    await service[Symbol.asyncDispose]()
    throw error
  }
}

/** A server process, stopped or running, that can't outlive us however we end. */
export class LocalService implements ServiceHandle {
  readonly #options: LocalServiceOptions
  #running: { pid: number; exited: Promise<void> } | undefined

  get url(): string {
    return this.#options.url
  }

  /** Of the server, while it runs. */
  get pid(): number | undefined {
    return this.#running?.pid
  }

  constructor(options: LocalServiceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    if (this.#running) return
    const { folder, stopSignal, command, args, env, user } = this.#options
    const keeper = spawn('/bin/sh', ['-c', KEEPER, 'keep-while-attached', stopSignal, folder, command, ...args], {
      cwd: folder,
      // A process group of its own: Ctrl+C reaches us, and we decide in which order things end.
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
      ...user,
    })
    const exited = once(keeper, 'exit').then(() => {
      keeper.stdin.destroy()
      if (this.#running?.exited === exited) this.#running = undefined
    })
    const [firstOutput] = await Promise.race([once(keeper.stdout, 'data'), exited.then(() => [''])])
    if (keeper.exitCode === null) this.#running = { pid: Number.parseInt(String(firstOutput), 10), exited }
    await this.#untilReady(Date.now() + READY_WITHIN_MS)
  }

  stop(): Promise<void> {
    return this.#end(pid => signal(pid, `SIG${this.#options.stopSignal}`))
  }

  kill(): Promise<void> {
    // The keeper is spared: it has to wait for the server, or a zombie would keep looking alive to the next start.
    return this.#end(pid => signalTree(pid, 'SIGKILL'))
  }

  pause(): void {
    signalTree(this.#running?.pid, 'SIGSTOP')
  }

  resume(): void {
    signalTree(this.#running?.pid, 'SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.#options.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }

  async #untilReady(deadline: number): Promise<void> {
    while (!(await this.#options.isReady())) {
      const problem = this.#running ? Date.now() > deadline && 'was not ready in time' : 'ended'
      if (problem) {
        const output = await readFile(join(this.#options.folder, 'output.log'), 'utf8').catch(() => '')
        await this.kill()
        throw new Error(`${this.#options.name} ${problem}; its last output:\n${output.slice(-2000)}`)
      }
      await delay(50)
    }
  }

  async #end(ask: (pid: number) => void): Promise<void> {
    const running = this.#running
    if (!running) return
    this.resume()
    ask(running.pid)
    await running.exited
  }
}

// Passed as text, because the user that the server runs as may not be able to read the checkout.
const KEEPER = readFileSync(new URL('./keep-while-attached.sh', import.meta.url), 'utf8')

function signalTree(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return
  for (const each of [pid, ...childProcesses(pid)]) signal(each, name)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It ended by itself in the meantime.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
