import { NodeFS } from '@electric-sql/pglite/nodefs'
import { z } from 'zod'

type Init = NodeFS['init']

/**
 * The folder of an embedded database, whose folders have mode 0700 and whose files 0600 from the moment they are made, whatever
 * the process's umask: PGlite itself makes files with mode 0777 and then gives them 0666.
 */
export class PrivateNodeFS extends NodeFS {
  override init(...[pg, options]: Parameters<Init>): ReturnType<Init> {
    const keepPrivate: NonNullable<typeof options.preRun>[number] = module => guard(fileSystem.parse(module.NODEFS))
    return super.init(pg, { ...options, preRun: [...(options.preRun ?? []), keepPrivate] })
  }
}

/** The part of Emscripten's NODEFS through which modes reach the disk (emscripten, src/lib/libnodefs.js). */
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

/** The object itself, which is changed: a copy would change nothing. */
const fileSystem = z.custom<NodeFileSystem>(
  value => operations.safeParse(value).success,
  'this release of PGlite makes files in another way, so that their modes can not be kept',
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

/** @param mode with the bits that tell a folder from a file (POSIX, sys/stat.h) */
function privateMode(mode: number): number {
  const isFolder = (mode & 0o170000) === 0o040000
  return isFolder ? mode & ~0o077 : mode & ~0o177
}
