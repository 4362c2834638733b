import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { z } from 'zod'

/** A contestant that serves until it is stopped. */
export interface WorkerProcess extends AsyncDisposable {
  /** When each run started, in milliseconds since 1970, by the `n` of its payload. */
  readonly startedAt: ReadonlyMap<number, number>
  cpuSeconds(): Promise<number>
  /** The URL of its HTTP API, if it serves one. */
  readonly url: string | undefined
  /** Kills it, as in a crash. */
  kill(): Promise<void>
}

const messageSchema = z.union([
  z.object({ serving: z.literal(true), url: z.string().optional() }),
  z.object({ started: z.number(), at: z.number() }),
  z.object({ cpuSeconds: z.number() }),
])

/** Starts a contestant of `bench/contestants/` and waits until it serves. */
export async function startWorker(file: string, options: object): Promise<WorkerProcess> {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'contestants', file), JSON.stringify(options)],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  const exited = once(child, 'exit')
  const startedAt = new Map<number, number>()
  const serving = Promise.withResolvers<string | undefined>()
  let answer = Promise.withResolvers<number>()
  child.on('message', told => {
    const message = messageSchema.parse(told)
    if ('started' in message) startedAt.set(message.started, message.at)
    else if ('serving' in message) serving.resolve(message.url)
    else answer.resolve(message.cpuSeconds)
  })
  const ended = exited.then(([code]) => Promise.reject(new Error(`${file} ended with exit code ${code}`)))
  const url = await Promise.race([serving.promise, ended])
  ended.catch(() => {})
  return {
    url,
    startedAt,
    cpuSeconds() {
      answer = Promise.withResolvers()
      child.send('cpu')
      return answer.promise
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
