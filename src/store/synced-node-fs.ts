import { closeSync, existsSync, fsync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PGlite } from '@electric-sql/pglite'
import { z } from 'zod'
import { PrivateNodeFS } from './private-node-fs.ts'
import { syncTree } from './sync-tree.ts'

/**
 * Start parameters with which a commit waits for the disk. PGlite's own have `-F`, which turns `fsync` off, and its `fdatasync`,
 * the default for the write-ahead log, does nothing.
 */
export const syncedStartParams: readonly string[] = [
  ...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'),
  '-c',
  'wal_sync_method=fsync',
]

/** Writes an open file or folder to the disk. */
export interface Disk {
  /** Where Postgres waits for it. */
  sync(file: number): void
  syncAmongOthers(file: number): Promise<void>
}

const ownDisk: Disk = { sync: fsyncSync, syncAmongOthers: promisify(fsync) }

/**
 * The folder of an embedded database whose files reach the disk when Postgres asks for it. PGlite itself leaves that to the system,
 * so a power failure could lose what was committed, or damage the database.
 */
export class SyncedNodeFS extends PrivateNodeFS {
  readonly #folder: string
  readonly #disk: Disk
  #isSynced = false

  constructor(folder: string, disk = ownDisk) {
    super(folder)
    this.#folder = folder
    this.#disk = disk
  }

  protected override change(nodefs: unknown): void {
    super.change(nodefs)
    this.#addSync(fileSystem.parse(nodefs))
  }

  /** PGlite calls it before it looks for a database. One whose process was killed while it was new may not be on the disk. */
  override async initialSyncFs(): Promise<void> {
    if (existsSync(join(this.#folder, 'PG_VERSION'))) await this.#syncAll()
  }

  /** PGlite calls it when it has written a new database, and after each statement, whose files Postgres itself syncs. */
  override async syncToFs(): Promise<void> {
    if (!this.#isSynced) await this.#syncAll()
  }

  async #syncAll(): Promise<void> {
    await syncTree(this.#folder, this.#disk.syncAmongOthers)
    this.#isSynced = true
  }

  #addSync({ stream_ops, realPath, tryFSOperation }: NodeFileSystem): void {
    stream_ops.fsync = ({ nfd, node }) =>
      // Its errors become those of Postgres.
      tryFSOperation(() => {
        if (nfd === undefined) this.#syncFolder(realPath(node))
        else this.#disk.sync(nfd)
        return 0
      })
  }

  #syncFolder(path: string): void {
    const folder = openSync(path, 'r')
    try {
      this.#disk.sync(folder)
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
