import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { findServer } from './find-server.ts'
import { findFreePort } from './free-port.ts'
import { createServiceFolder, openLocalService, type ServiceHandle } from './local-service.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

/** Debian keeps servers out of PATH. */
export const pgbouncerServer = findServer('pgbouncer', ['/usr/sbin'])

/**
 * A PgBouncer in front of a database.
 *
 * @param url the database's
 * @param mode whether a client keeps its connection; default `session`, in which it does
 * @param more other settings
 */
export async function startPgbouncer(
  url: string,
  mode: 'session' | 'transaction' = 'session',
  more: Readonly<Record<string, string | number>> = {},
): Promise<ServiceHandle> {
  if (!pgbouncerServer) throw new Error('There is no pgbouncer in PATH nor in /usr/sbin')
  const user = unprivilegedUser()
  const folder = await createServiceFolder('pgbouncer', user)
  const { hostname, port: behind, username, pathname } = new URL(url)
  const port = await findFreePort()
  const config = join(folder, 'pgbouncer.ini')
  await writeFile(
    config,
    `[databases]
    * = host=${hostname} port=${behind} user=${username}
    [pgbouncer]
    listen_addr = 127.0.0.1
    listen_port = ${port}
    unix_socket_dir =
    auth_type = any
    pool_mode = ${mode}
    ${Object.entries(more)
      .map(([name, value]) => `${name} = ${value}`)
      .join('\n')}
    `.replaceAll(/^ +/gm, ''),
  )
  const own = `postgres://${username}@127.0.0.1:${port}${pathname}`
  return openLocalService({
    name: 'PgBouncer',
    url: own,
    folder,
    command: pgbouncerServer,
    args: [config],
    user,
    stopSignal: 'INT',
    isReady: () => answers(own),
  })
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}
