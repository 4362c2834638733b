import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import { connect, type Server as NetServer, type Socket } from 'node:net'
import { z } from 'zod'

export type TestProxy = Awaited<ReturnType<typeof startProxy>>

export async function listen(server: NetServer): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return z.object({ port: z.number() }).parse(server.address()).port
}

/** A proxy that connects to 127.0.0.1 whatever the name is, or refuses every connection with a status, or closes it. */
export async function startProxy(server: Server | Http2SecureServer = createServer()) {
  const proxy = { connected: [] as string[], refusesWith: undefined as number | undefined, closes: false }
  const sockets = new Set<Socket>()
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    proxy.connected.push(String(request.url))
    sockets.add(socket)
    if (proxy.closes) return socket.destroy()
    if (proxy.refusesWith !== undefined)
      return socket.end(`HTTP/1.1 ${proxy.refusesWith} No\r\ncontent-length: 0\r\n\r\n`)
    const port = Number(request.url?.split(':').at(-1))
    const target = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    sockets.add(target)
    target.on('error', () => socket.destroy()).pipe(socket)
    return socket.on('error', () => target.destroy()).pipe(target)
  })
  const url = `http://127.0.0.1:${await listen(server)}`
  const stop = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return Object.assign(proxy, { url, stop })
}
