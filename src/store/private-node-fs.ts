import { NodeFS } from '@electric-sql/pglite/nodefs'
import { z } from 'zod'

/**
 * The folder of an embedded database, in which folders have mode 0700 and files 0600 from their creation, whatever the process's
 * umask. PGlite itself creates files with mode 0777 and then sets 0666.
 */
export class PrivateNodeFS extends NodeFS {
  override init(...[pg, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const change: NonNullable<typeof options.preRun>[number] = ({ NODEFS }) => this.change(NODEFS)
    return super.init(pg, { ...options, preRun: [...(options.preRun ?? []), change] })
  }

  /** Changes Emscripten's file system before anything is written. */
  protected change(nodefs: unknown): void {
    guard(fileSystem.parse(nodefs))
  }
}

/** The part of Emscripten's NODEFS that writes modes to disk (emscripten, src/lib/libnodefs.js). */
interface NodeFileSystem {
  readonly node_ops: { mknod: MakeNode; setattr: SetAttributes }
  readonly stream_ops: { setattr: SetAttributes }
}

type MakeNode = (parent: unknown, name: unknown, mode: number, device: unknown) => unknown
type SetAttributes = (target: unknown, attributes: { readonly mode?: number | undefined }) => void

const operation = z.custom(value => typeof value === 'function')
const operations = z.object({
  node_ops: z.object({ mknod: operation, setattr: operation }),
  stream_ops: z.object({ setattr: operation }),
})

/** The original object, because it is modified: a copy would have no effect. */
const fileSystem = z.custom<NodeFileSystem>(
  value => operations.safeParse(value).success,
  'this release of PGlite creates files in another way, so their modes cannot be set',
)

function guard({ node_ops, stream_ops }: NodeFileSystem): void {
  const { mknod } = node_ops
  node_ops.mknod = (parent, name, mode, device) => mknod(parent, name, privateMode(mode), device)
  for (const operations of [node_ops, stream_ops]) {
    const { setattr } = operations
    operations.setattr = (target, attributes) => {
      const { mode } = attributes
      setattr(target, typeof mode === 'number' ? { ...attributes, mode: privateMode(mode) } : attributes)
    }
  }
}

/** @param mode including the file type bits (POSIX, sys/stat.h) */
function privateMode(mode: number): number {
  const isFolder = (mode & 0o170000) === 0o040000
  return isFolder ? mode & ~0o077 : mode & ~0o177
}
