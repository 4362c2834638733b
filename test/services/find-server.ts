import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** False with TEST_SERVICES=none: tests then run as on a machine that has no server installed. */
export const servicesWanted = process.env.TEST_SERVICES !== 'none'

/** The path of a server's executable in PATH or in one of the other folders. */
export function findServer(name: string, otherFolders: string[] = []): string | undefined {
  if (!servicesWanted || process.platform === 'win32') return undefined
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(folder => folder !== ''), ...otherFolders]
  return folders.map(folder => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
