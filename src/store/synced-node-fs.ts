import { closeSync, fsyncSync, openSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { z } from 'zod'
import { PrivateNodeFS } from './private-node-fs.ts'

/**
 * Start parameters with which a commit waits for the disk. PGlite's own have `-F`, which turns `fsync` off, and its `fdatasync`,
 * the default for the write-ahead log, does nothing.
 */
export const syncedStartParams: readonly string[] = [
  ...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'),
  '-c',
  'wal_sync_method=fsync',
]

type Init = PrivateNodeFS['init']

/**
 * The folder of an embedded database whose files reach the disk when Postgres asks for it. PGlite itself leaves that to the system,
 * so a power failure could lose what was committed, or damage the database.
 */
export class SyncedNodeFS extends PrivateNodeFS {
  readonly #sync: typeof fsyncSync

  /** @param sync writes an open file or folder to the disk */
  constructor(folder: string, sync: typeof fsyncSync = fsyncSync) {
    super(folder)
    this.#sync = sync
  }

  override init(...[pg, options]: Parameters<Init>): ReturnType<Init> {
    const addSync: NonNullable<typeof options.preRun>[number] = module => this.#addSync(fileSystem.parse(module.NODEFS))
    return super.init(pg, { ...options, preRun: [...(options.preRun ?? []), addSync] })
  }

  #addSync({ stream_ops, realPath, tryFSOperation }: NodeFileSystem): void {
    stream_ops.fsync = ({ nfd, node }) =>
      // Its errors become those of Postgres.
      tryFSOperation(() => {
        if (nfd === undefined) this.#syncFolder(realPath(node))
        else this.#sync(nfd)
        return 0
      })
  }

  #syncFolder(path: string): void {
    const folder = openSync(path, 'r')
    try {
      this.#sync(folder)
    } finally {
      closeSync(folder)
    }
  }
}

/** The part of Emscripten's NODEFS that opens files (emscripten, src/lib/libnodefs.js). Only an open file has a descriptor. */
interface NodeFileSystem {
  readonly stream_ops: { fsync?: (stream: { readonly nfd?: number; readonly node: unknown }) => number }
  readonly realPath: (node: unknown) => string
  readonly tryFSOperation: (work: () => number) => number
}

const operation = z.custom(value => typeof value === 'function')
const operations = z.object({ stream_ops: z.object({}), realPath: operation, tryFSOperation: operation })

/** The original object, because it is modified: a copy would have no effect. */
const fileSystem = z.custom<NodeFileSystem>(
  value => operations.safeParse(value).success,
  'this release of PGlite opens files in another way, so they cannot be written to the disk',
)
