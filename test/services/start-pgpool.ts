import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findServer } from './find-server.ts'
import { findFreePort } from './free-port.ts'
import { createServiceFolder, openLocalService, type ServiceHandle } from './local-service.ts'
import { answersQuery } from './start-postgres.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

/** Debian keeps servers out of PATH. */
export const pgpoolServer = findServer('pgpool', ['/usr/sbin'])

/**
 * A Pgpool-II that sends all reads that it can to a standby, as it does with some without a setting.
 *
 * @param url the primary's
 * @param more other settings
 */
export async function startPgpool(
  url: string,
  standbyUrl: string,
  more: Readonly<Record<string, string>> = {},
): Promise<ServiceHandle> {
  if (!pgpoolServer) throw new Error('There is no pgpool in PATH nor in /usr/sbin')
  const user = unprivilegedUser()
  const folder = await createServiceFolder('pgpool', user)
  const config = join(folder, 'pgpool.conf')
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(await findFreePort()),
    pcp_port: await findFreePort(),
    socket_dir: folder,
    pcp_socket_dir: folder,
    logdir: folder,
    memqcache_oiddir: folder,
    pid_file_name: join(folder, 'pgpool.pid'),
    backend_clustering_mode: 'streaming_replication',
    backend_hostname0: '127.0.0.1',
    backend_port0: new URL(url).port,
    backend_weight0: 0,
    backend_flag0: 'ALWAYS_PRIMARY',
    backend_hostname1: '127.0.0.1',
    backend_port1: new URL(standbyUrl).port,
    backend_weight1: 1,
    sr_check_period: 0,
    ...more,
  }
  await writeFile(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} = '${value}'\n`)
      .join(''),
  )
  if (user) await chown(config, user.uid, user.gid)
  const own = new URL(url)
  own.port = settings.port
  return openLocalService({
    name: 'Pgpool-II',
    url: own.href,
    folder,
    command: pgpoolServer,
    args: ['-n', '-f', config],
    user,
    stopSignal: 'INT',
    isReady: () => answersQuery(own.href),
  })
}
