import { z } from 'zod'
import { errorCodeOf } from '../errors.ts'
import type { Explanation } from '../explanation.ts'

/** What an error of the file system means. */
export interface FileFailure extends Explanation {
  /** The system's code (POSIX, errno.h). */
  readonly code: string
  /** Waiting may help: another process frees space or closes files. Otherwise the path or its permissions have to change. */
  readonly isPassing: boolean
}

/**
 * Explains an error of the file system, Node's or the embedded database's.
 *
 * @param what couldn't be done, such as "DATA_DIR /data can't be opened"
 * @returns undefined for an error that isn't the file system's, or whose code has no sentence
 */
export function explainFileFailure(what: string, error: unknown): FileFailure | undefined {
  const code = codeOf(error)
  const meaning = code === undefined ? undefined : meanings.get(code)
  if (code === undefined || meaning === undefined) return undefined
  const [words, remedy] = meaning
  return { code, found: `${what}, because ${words} (${code})`, remedy, isPassing: passing.has(code) }
}

/** For a message about an error that has no sentence. */
export function codeOfFile(error: unknown): string {
  return errorCodeOf(error) ?? 'unknown error'
}

const nodeError = z.object({ code: z.string(), syscall: z.string() })

/** Emscripten's; a release build sets no code, only WASI's number of it (wasi-libc, `wasi/api.h`). */
const databaseError = z.object({ name: z.literal('ErrnoError'), errno: z.number() })

function codeOf(error: unknown): string | undefined {
  return nodeError.safeParse(error).data?.code ?? wasiCodes.get(databaseError.safeParse(error).data?.errno ?? 0)
}

const wasiCodes: ReadonlyMap<number, string> = new Map([
  [2, 'EACCES'],
  [19, 'EDQUOT'],
  [29, 'EIO'],
  [33, 'EMFILE'],
  [41, 'ENFILE'],
  [44, 'ENOENT'],
  [51, 'ENOSPC'],
  [54, 'ENOTDIR'],
  [63, 'EPERM'],
  [69, 'EROFS'],
])

const permit = 'give the user of this process the permission, or choose another place'
const choose = 'correct the path'
const raise = 'raise the limit (ulimit -n, or LimitNOFILE of systemd) to 1024 or more'

const meanings: ReadonlyMap<string, readonly [words: string, remedy: string]> = new Map([
  ['ENOSPC', ['the disk is full', 'free space on it']],
  ['EDQUOT', ['the quota of the disk is used up', 'free space on it']],
  ['EMFILE', ['this process has too many files open', raise]],
  ['ENFILE', ['this machine has too many files open', 'raise its limit (fs.file-max)']],
  ['EIO', ['the disk reports an error', 'check the disk']],
  ['EROFS', ['the file system is read-only', 'choose a place on a writable one, or mount it writable']],
  ['EACCES', ['the permission is missing', permit]],
  ['EPERM', ['the permission is missing', permit]],
  ['ENOENT', ['it, or a part of its path, does not exist', choose]],
  ['ENOTDIR', ['a part of the path is a file, not a folder', choose]],
  ['EEXIST', ['a file is in its place', choose]],
  ['EISDIR', ['it is a folder, not a file', choose]],
  ['ELOOP', ['a link on the path leads back to itself', choose]],
  ['ENAMETOOLONG', ['the path is too long', choose]],
])

const passing: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO'])
