import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { findServer } from './find-server.ts'
import { findFreePort } from './free-port.ts'
import { createServiceFolder, openLocalService, type ServiceHandle } from './local-service.ts'

export const redisServer = findServer('redis-server')

/**
 * A Redis of one's own, with 512 databases and nothing on disk: what it held is gone after `stop` and `kill`.
 *
 * @param more arguments of `redis-server`
 */
export async function startRedis(more: readonly string[] = []): Promise<ServiceHandle> {
  if (!redisServer) throw new Error('There is no redis-server in PATH')
  const port = await findFreePort()
  const folder = await createServiceFolder('redis')
  return openLocalService({
    name: 'Redis',
    url: `redis://127.0.0.1:${port}`,
    folder,
    command: redisServer,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--databases', '512'],
      ...['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
      ...more,
    ],
    stopSignal: 'TERM',
    isReady: () => answersPing(port),
  })
}

async function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  socket.end('PING\r\nQUIT\r\n')
  return (await text(socket).catch(() => '')).startsWith('+PONG')
}
