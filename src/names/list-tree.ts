import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The paths of all files and folders below a folder, except links and what only they lead to, which may belong to others: Node's own
 * recursion follows links to folders, in some versions and variants of `readdir`.
 */
export function listTree(folder: string): { readonly files: readonly string[]; readonly folders: readonly string[] } {
  const entries = readdirSync(folder, { withFileTypes: true })
  const pathsOf = (wanted: typeof entries) => wanted.map(({ name }) => join(folder, name))
  const own = pathsOf(entries.filter(entry => entry.isDirectory()))
  const below = own.map(listTree)
  return {
    files: [...pathsOf(entries.filter(entry => entry.isFile())), ...below.flatMap(({ files }) => files)],
    folders: [...own, ...below.flatMap(({ folders }) => folders)],
  }
}
