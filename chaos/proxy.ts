import { once } from 'node:events'
import { createConnection, createServer, type Server, type Socket } from 'node:net'

/** What a proxy does to its connections. */
export type Disturbance =
  /** Connections are closed and new ones refused. */
  | { readonly kind: 'refuse' }
  /** Each connection is reset after a number of bytes, counted from now. */
  | { readonly kind: 'cut'; readonly bytes: () => number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Nothing passes and nothing is closed; after the repair everything arrives. */
  | { readonly kind: 'silent' }
  /** The same, but these connections stay silent forever. */
  | { readonly kind: 'lost' }
  /** Half of the next answer arrives, then the connection is reset. */
  | { readonly kind: 'half' }

/** A TCP proxy in front of a server on this machine. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  /** Lasts until `mend`; replaces an earlier disturbance. */
  disturb(disturbance: Disturbance): Promise<void>
  mend(): Promise<void>
}

/** One connection through a proxy: the socket of the client and the one to the server. */
class Passage {
  readonly #client: Socket
  readonly #server: Socket
  #left = Number.POSITIVE_INFINITY
  /** Delayed bytes keep their order. */
  #delayed: Promise<void> = Promise.resolve()
  #disturbance: Disturbance | undefined

  constructor(client: Socket, server: Socket, onEnd: () => void) {
    this.#client = client
    this.#server = server
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (bytes: Buffer) => this.#pass(bytes, from, to))
      from.on('error', () => this.reset())
      from.once('end', () => void this.#delayed.then(() => to.end()))
      from.once('close', () => {
        to.destroy()
        onEnd()
      })
    }
  }

  disturb(disturbance: Disturbance | undefined): void {
    if (this.#disturbance?.kind === 'lost') return
    this.#disturbance = disturbance
    this.#left = disturbance?.kind === 'cut' ? disturbance.bytes() : Number.POSITIVE_INFINITY
    for (const socket of [this.#client, this.#server]) this.#isSilent() ? socket.pause() : socket.resume()
  }

  reset(): void {
    // Node never closes a socket that is reset after its end was written.
    if (this.#client.writableEnded) this.#client.destroy()
    else this.#client.resetAndDestroy()
    this.#server.destroy()
  }

  #pass(bytes: Buffer, from: Socket, to: Socket): void {
    const disturbance = this.#disturbance
    if (disturbance?.kind === 'half' && from === this.#server) {
      to.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => this.reset())
      return
    }
    this.#left -= bytes.length
    if (this.#left <= 0) {
      to.write(bytes.subarray(0, bytes.length + this.#left), () => this.reset())
      return
    }
    if (disturbance?.kind === 'delay') {
      const { ms } = disturbance
      this.#delayed = this.#delayed.then(() => new Promise(resolve => setTimeout(resolve, ms)))
      void this.#delayed.then(() => to.write(bytes))
      return
    }
    if (to.write(bytes)) return
    from.pause()
    to.once('drain', () => {
      if (!this.#isSilent()) from.resume()
    })
  }

  #isSilent(): boolean {
    return this.#disturbance?.kind === 'silent' || this.#disturbance?.kind === 'lost'
  }
}

/** @param target returns the server's port; called for each connection, because a failover changes it */
export async function openProxy(target: () => number): Promise<FaultProxy> {
  const passages = new Set<Passage>()
  let disturbance: Disturbance | undefined
  const server = createServer({ allowHalfOpen: true }, client => {
    const passage = new Passage(
      client,
      createConnection({ port: target(), host: '127.0.0.1', allowHalfOpen: true }),
      () => passages.delete(passage),
    )
    passages.add(passage)
    passage.disturb(disturbance)
  })
  const port = await listen(server, 0)

  const refuse = async (): Promise<void> => {
    const closed = server.listening ? once(server.close(), 'close') : undefined
    for (const passage of passages) passage.reset()
    await closed
  }
  const setAll = (given: Disturbance | undefined): void => {
    disturbance = given
    for (const passage of passages) passage.disturb(given)
  }
  return {
    port,
    async disturb(given) {
      setAll(given)
      if (given.kind === 'refuse') await refuse()
    },
    async mend() {
      setAll(undefined)
      if (!server.listening) await listen(server, port)
    },
    [Symbol.asyncDispose]: refuse,
  }
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return address.port
}
