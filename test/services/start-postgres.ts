import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { findServer } from './find-server.ts'
import { findFreePort } from './free-port.ts'
import { createServiceFolder, openLocalService, type ServiceHandle } from './local-service.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

const execute = promisify(execFile)

/** Debian keeps servers out of PATH. */
export const postgresServer = findServer('postgres', debianFolders())

/**
 * A Postgres of one's own; the url names its database `postgres` and a superuser.
 *
 * @param more settings of the server, before its own
 * @param parent of its folder; that of temporary files by default
 */
export function startPostgres(more: Record<string, string> = {}, parent?: string): Promise<ServiceHandle> {
  const args = ['-U', 'postgres', '-A', 'trust', '--no-sync', '--no-locale', '-E', 'UTF8']
  return startServer('initdb', args, more, parent)
}

/**
 * A standby that follows a running server and can be promoted.
 *
 * @param more the settings of its primary, besides those that both have
 * @param parent of its folder; that of temporary files by default
 */
export function startStandby(
  primary: string,
  more: Record<string, string> = {},
  parent?: string,
): Promise<ServiceHandle> {
  const args = ['-d', primary, '--write-recovery-conf', '--checkpoint=fast', '--no-sync']
  return startServer('pg_basebackup', args, more, parent)
}

/** The path of a command that comes with the server, such as `pg_dump`. */
export function findPostgresTool(name: string): string {
  const command = postgresServer && findServer(name, [dirname(postgresServer), ...debianFolders()])
  if (!command) throw new Error(`There is no ${name} beside ${postgresServer}`)
  return command
}

/** @param maker the command beside the server's that makes its data */
async function startServer(
  maker: string,
  makerArgs: readonly string[],
  more: Record<string, string>,
  parent: string | undefined,
): Promise<ServiceHandle> {
  if (!postgresServer) throw new Error('There is no postgres in PATH nor in /usr/lib/postgresql')
  const user = unprivilegedUser()
  const folder = await createServiceFolder('postgres', user, parent)
  const data = join(folder, 'data')
  const port = await findFreePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  try {
    await execute(findPostgresTool(maker), ['-D', data, ...makerArgs], { cwd: folder, ...user })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return openLocalService({
    name: 'Postgres',
    url,
    folder,
    command: postgresServer,
    args: ['-D', data, '-h', '127.0.0.1', '-p', String(port), ...asOptions({ ...SETTINGS, ...more })],
    user,
    stopSignal: 'INT',
    isReady: () => answersQuery(url),
  })
}

// Fast, as nothing here has to survive the machine. A commit still survives the death of the server process alone, because
// synchronous_commit stays on.
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '128MB',
  unix_socket_directories: '',
}

function asOptions(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

export async function answersQuery(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 2000 })
  // The server may close the connection after we stopped listening for an answer.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

function debianFolders(): string[] {
  const root = '/usr/lib/postgresql'
  try {
    return readdirSync(root)
      .sort((a, b) => Number(b) - Number(a))
      .map(version => join(root, version, 'bin'))
  } catch {
    return []
  }
}
