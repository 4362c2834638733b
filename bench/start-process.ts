import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

/** An API of `bench/api/`, in its own process. */
export interface Api extends AsyncDisposable {
  readonly url: string
  /** How many rows it has. */
  readonly rows: number
  /** How many requests it has had. */
  countRequests(): Promise<number>
}

export async function startApi<O extends { readonly rows: number }>(file: string, options: O): Promise<Api> {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'api', file), JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(server, 'exit')
  const { url } = z.object({ url: z.string() }).parse(await nextMessage(server, exited))
  return {
    url,
    rows: options.rows,
    async countRequests() {
      server.send('count')
      return z.object({ requests: z.number() }).parse(await nextMessage(server, exited)).requests
    },
    async [Symbol.asyncDispose]() {
      if (server.connected) server.disconnect()
      await exited
    },
  }
}

async function nextMessage(server: ChildProcess, exited: Promise<unknown[]>): Promise<unknown> {
  const waiting = new AbortController()
  const ended = exited.then(([code]) => Promise.reject(new Error(`An API of the bench ended with exit code ${code}`)))
  try {
    const [message] = await Promise.race([once(server, 'message', { signal: waiting.signal }), ended])
    return message
  } finally {
    waiting.abort()
  }
}

/** What a contestant reports. */
const measuredSchema = z.object({ seconds: z.number(), rows: z.number(), peakMegabytes: z.number() })

export type Measured = Readonly<z.infer<typeof measuredSchema>>

/** Runs a contestant of `bench/contestants/` in its own process. */
export async function runContestant(file: string, options: object, command = process.execPath): Promise<Measured> {
  const path = join(import.meta.dirname, 'contestants', file)
  const contestant = spawn(command, [path, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output, [code]] = await Promise.all([text(contestant.stdout), once(contestant, 'exit')])
  if (code !== 0) throw new Error(`${file} ended with exit code ${code}; see its output above`)
  return measuredSchema.parse(JSON.parse(output.trimEnd().split('\n').at(-1) ?? ''))
}
