import { lstat, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Finding, warn } from './check.ts'

/** A file that other users must not change and, if secret, not read. */
export interface GuardedFile {
  /** What messages call it. */
  readonly what: string
  readonly path: string
  /** Whether other users must not read it either. */
  readonly isSecret: boolean
}

const everybodyReads = 0o004
const everybodyWrites = 0o002
const groupWrites = 0o020
const sticky = 0o1000

/**
 * Finds who else can read, change or replace a file, by its mode, its owner, the owner of a link to it, and its folder. Root may own
 * all of these, and a group may read, as when Kubernetes mounts a secret with `fsGroup`. Of a file that was replaced, finds only that.
 *
 * @param uid numeric user id of this process; undefined on systems without one
 * @throws the system's error when the file can't be inspected
 */
export async function inspectExposure(file: GuardedFile, uid: number | undefined): Promise<readonly Finding[]> {
  const { what, path, isSecret } = file
  const name = `${what} ${path}`
  const [link, target] = [await lstat(path), await stat(path)]
  if (target.nlink === 0) return [explainReplaced(name)]
  const folder = await findFolder(path)
  const findings: Finding[] = []
  const acts = describeActs(target.mode, isSecret)
  if (acts !== '') {
    findings.push(
      warn(`${name} can be ${acts} (mode ${octal(target.mode)})`, `chmod ${isSecret ? '600' : 'go-w'} ${path}`),
    )
  }
  const owner = findForeign([link.uid, target.uid], uid)
  if (owner !== undefined) {
    findings.push(warn(`${name} belongs to user ${owner}, who can change it`, `chown ${uid} ${path}`))
  }
  const replacer = findForeign([folder.uid], uid)
  if (replacer !== undefined) {
    findings.push(warn(`${name} is in a folder of user ${replacer}, who can replace it`, `chown ${uid} ${folder.path}`))
  }
  if ((folder.mode & everybodyWrites) !== 0 && (folder.mode & sticky) === 0) {
    const found = `${name} is in a folder that every user of this machine can write to (mode ${octal(folder.mode)}), so anybody can replace it`
    findings.push(warn(found, `chmod o-w ${folder.path}`))
  }
  return findings
}

/** A file that is in no folder any more is still readable where a container has mounted it. */
function explainReplaced(name: string): Finding {
  return warn(
    `${name} is mounted, and outside of this container another file has taken its place`,
    'restart the container, and mount the folder of the file instead, in which replaced files are seen',
  )
}

/** The folder of the file itself; for a link, of its target. */
async function findFolder(
  path: string,
): Promise<{ readonly path: string; readonly mode: number; readonly uid: number }> {
  const folder = dirname(await realpath(path))
  const { mode, uid } = await stat(folder)
  return { path: folder, mode, uid }
}

function describeActs(mode: number, isSecret: boolean): string {
  const isRead = isSecret && (mode & everybodyReads) !== 0
  const everybody = [...(isRead ? ['read'] : []), ...((mode & everybodyWrites) !== 0 ? ['written'] : [])]
  return [
    ...(everybody.length > 0 ? [`${everybody.join(' and ')} by every user of this machine`] : []),
    ...((mode & groupWrites) !== 0 ? ['written by its group'] : []),
  ].join(' and ')
}

function findForeign(owners: readonly number[], uid: number | undefined): number | undefined {
  return uid === undefined ? undefined : owners.find(owner => owner !== uid && owner !== 0)
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}
