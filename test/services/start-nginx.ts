import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { findServer } from './find-server.ts'
import { findFreePort } from './free-port.ts'
import { createServiceFolder, openLocalService, type ServiceHandle } from './local-service.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

/** Debian keeps servers out of PATH. */
export const nginxServer = findServer('nginx', ['/usr/sbin'])

/**
 * An nginx as it comes.
 *
 * @param paths the upstream of each path; one that ends with a slash replaces the path
 */
export async function startNginx(paths: Readonly<Record<string, string>>): Promise<ServiceHandle> {
  if (!nginxServer) throw new Error('There is no nginx in PATH nor in /usr/sbin')
  const user = unprivilegedUser()
  const folder = await createServiceFolder('nginx', user)
  const port = await findFreePort()
  const config = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${folder}/${name};`,
  )
  const locations = Object.entries(paths)
    .map(([path, target]) => `location ${path} { proxy_pass ${target}; }`)
    .join('\n')
  await writeFile(
    config,
    `daemon off;
    pid ${folder}/nginx.pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${temporary.join('\n')}
      server { listen 127.0.0.1:${port}; ${locations} }
    }
    `,
  )
  return openLocalService({
    name: 'nginx',
    url: `http://127.0.0.1:${port}`,
    folder,
    command: nginxServer,
    args: ['-c', config, '-e', 'stderr'],
    user,
    stopSignal: 'TERM',
    isReady: () => listens(port),
  })
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
