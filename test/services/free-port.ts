import { once } from 'node:events'
import { createServer } from 'node:net'

// Below the range from which the system gives ports to whoever asks for any, so that no such listener takes the port
// between our look and the server's start, or while the server is stopped.
const LOWEST = 20_000
const HIGHEST = 32_000

/** A loopback port that nothing listens on. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
