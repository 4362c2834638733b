import type { Explanation } from '../explanation.ts'
import { codeOfFile, explainFileFailure } from './file-failure.ts'

/** A file that holds a secret, as messages name it: "The key file /run/key of client "sync"". */
export interface SecretFileName {
  readonly what: string
  readonly path: string
  readonly of?: string
}

export function nameSecretFile({ what, path, of = '' }: SecretFileName): string {
  return [what, path, of].filter(Boolean).join(' ')
}

/** Explains why the file can't be read. */
export function explainSecretFile(file: SecretFileName, error: unknown): Explanation {
  const { path } = file
  const code = codeOfFile(error)
  if (!isTellable(path, code)) {
    return {
      found: `${nameSecretFile({ ...file, path: '' })} can't be read, because no file has the name that is set for it (${code})`,
      remedy:
        'set the path of the file, absolute or from the folder in which the process starts, and not what the file holds',
    }
  }
  const what = `${nameSecretFile(file)} can't be read`
  const { found, remedy } = explainFileFailure(what, error) ?? {
    found: `${what} (${code})`,
    remedy: 'check the path and its permissions',
  }
  return { found, remedy: path.startsWith('~') ? 'write the whole path, because only a shell replaces the ~' : remedy }
}

/** @returns false if the value may be the secret itself, set where a path belongs: no file has it as its name */
export function isTellable(path: string, code: string): boolean {
  return (beginsAsPath.test(path) && !isRandom(path)) || !unknownName.has(code)
}

/** A key in PEM and a secret in Base64 hold slashes too. */
const beginsAsPath = /^(?:~|\.{0,2})\//

/** Base64 may even begin with one. */
function isRandom(path: string): boolean {
  return /^[A-Za-z0-9+/]{16,}={0,2}$/.test(path) && [/[A-Z]/, /[a-z]/, /\d/].every(kind => kind.test(path))
}

const unknownName: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])
