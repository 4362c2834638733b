import { once } from 'node:events'
import { chmod, mkdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError, errorCodeOf, messageOf, TransientError, type WorkerError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { explainFileFailure } from '../failures/file-failure.ts'
import { problemType, toProblem } from '../problem.ts'

/**
 * An embedded database has no lock of its own. Its owner is the process that listens on `DATA_DIR/control.sock`: unlike a process id in a
 * file, a socket reliably shows whether its owner is alive, even after a crash or from another container.
 */
export interface DataDirClaim extends AsyncDisposable {
  readonly socketPath: string
  /** Passes each connection to the control API. Until this is called, callers are told to try again. */
  serve(accept: (socket: Socket) => void): void
}

const stillStarting = JSON.stringify(
  toProblem(503, 'busy', 'The owner of DATA_DIR is still starting, or is running a short command'),
)
const notYet = [
  'HTTP/1.1 503 Service Unavailable',
  `content-type: ${problemType}`,
  'retry-after: 1',
  'connection: close',
  `content-length: ${stillStarting.length}`,
  '',
  stillStarting,
].join('\r\n')

/** @throws ConfigError if a live process owns the folder, or if it can't hold a socket; TransientError while the disk is full */
export async function claimDataDir(dataDir: string, setMode: typeof chmod = chmod): Promise<DataDirClaim> {
  const socketPath = controlSocketPath(dataDir)
  let accept: (socket: Socket) => void = socket => socket.end(notYet)
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    accept(socket)
  })
  for (;;) {
    try {
      // Otherwise the workers of a cluster, such as pm2's, share one socket, and each would be the owner.
      server.listen({ path: socketPath, exclusive: true })
      await once(server, 'listening')
      break
    } catch (error) {
      if (!hasCode(error, 'EADDRINUSE')) throw explainRefusedSocket(dataDir, error)
      await removeIfDead(dataDir, socketPath)
    }
  }
  try {
    await setMode(socketPath, 0o600)
  } catch (error) {
    // Shared folders of virtual machines refuse modes of sockets, and the folder is private already.
    if (!['EINVAL', ...withoutSockets].some(code => hasCode(error, code))) {
      server.close()
      throw explainRefusedSocket(dataDir, error)
    }
  }
  // The claim doesn't keep the process alive.
  server.unref()
  return {
    socketPath,
    serve(next) {
      accept = next
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** The path of a Unix socket is limited to about a hundred characters, so the shorter of its two forms is used. */
export function controlSocketPath(dataDir: string): string {
  const path = join(dataDir, 'control.sock')
  const fromHere = relative('', path)
  return fromHere.length < path.length ? fromHere : path
}

/** Whether someone answers on the folder's socket. */
export async function isOwned(dataDir: string): Promise<boolean> {
  return answers(controlSocketPath(dataDir))
}

/** After this time, a takeover counts as abandoned by a process that died during it. */
const takeoverMs = 10_000

/**
 * Processes that find the same dead socket remove it one at a time; otherwise the second could remove what the first has created.
 */
async function removeIfDead(dataDir: string, socketPath: string): Promise<void> {
  if (await answers(socketPath)) throw owned(dataDir)
  const takeover = `${socketPath}.takeover`
  try {
    await mkdir(takeover, { mode: 0o700 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw explainRefusedSocket(dataDir, error)
    const since = (await stat(takeover).catch(() => undefined))?.mtimeMs
    if (since !== undefined && Date.now() - since > takeoverMs) await rmdir(takeover).catch(() => {})
    else await delay(20)
    return
  }
  try {
    await moveAway(dataDir, socketPath)
  } finally {
    await rmdir(takeover).catch(() => {})
  }
}

async function moveAway(dataDir: string, socketPath: string): Promise<void> {
  if (await answers(socketPath)) throw owned(dataDir)
  // Moved and checked again, in case this process slept so long that its turn counted as abandoned.
  const aside = `${socketPath}.${crypto.randomUUID().slice(0, 8)}`
  try {
    await rename(socketPath, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  if (await answers(aside)) {
    await rename(aside, socketPath)
    throw owned(dataDir)
  }
  await rm(aside, { force: true })
}

const nobodyThere = ['ECONNREFUSED', 'ENOENT', 'ENOTDIR', 'ENOTSOCK', 'EINVAL', 'ENAMETOOLONG']

function answers(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection(socketPath)
    const settle = (alive: boolean): void => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', () => settle(true))
    // Only these errors prove that nobody listens. A process that can't be asked (another user's, or a busy one) may be alive.
    socket.once('error', error => settle(!nobodyThere.some(code => hasCode(error, code))))
  })
}

function owned(dataDir: string): ConfigError {
  return new ConfigError([
    {
      found: `DATA_DIR ${dataDir} belongs to another process, and an embedded database can have only one owner`,
      remedy: 'stop that process, or set DATABASE_URL to share a Postgres',
    },
  ])
}

/** How file systems answer that they have no sockets, such as those that a container or WSL shares with its host. */
const withoutSockets = ['ENOTSUP', 'EPERM']

/** As systemd's `RestrictAddressFamilies=AF_INET AF_INET6`. */
const withoutFamily: Explanation = {
  found: 'This process may not open Unix sockets (EAFNOSUPPORT), which the embedded database needs',
  remedy: 'allow AF_UNIX (systemd: RestrictAddressFamilies), or set DATABASE_URL',
}

export function explainRefusedSocket(dataDir: string, error: unknown): WorkerError {
  if (hasCode(error, 'EAFNOSUPPORT')) return new ConfigError([withoutFamily])
  const what = `DATA_DIR ${dataDir} can't hold a control socket`
  const said = messageOf(error)
  const isWithoutSockets = withoutSockets.some(code => hasCode(error, code))
  const failure = isWithoutSockets ? undefined : explainFileFailure(what, error)
  if (failure) return failure.isPassing ? new TransientError('store', failure) : new ConfigError([failure])
  return new ConfigError([
    isWithoutSockets
      ? {
          found: `${what}, because its file system has no sockets (${said})`,
          remedy:
            'set DATA_DIR to a folder on a local file system (in a container: a named volume; in WSL: not below /mnt), or set DATABASE_URL',
        }
      : {
          found: `${what} (${said})`,
          remedy: 'choose a writable folder whose path is shorter than 90 characters',
        },
  ])
}

function hasCode(error: unknown, code: string): boolean {
  return errorCodeOf(error) === code
}
