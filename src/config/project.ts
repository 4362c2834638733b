import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The project that a command works for: a team's own jobs, operations and generated types, and how Node is started there. */
export interface Project {
  /** An absolute path: the folder that the command is started in. */
  readonly folder: string
  /** The path of Node, and the arguments with which it finds the same modules as this process. */
  readonly node: readonly [path: string, ...args: string[]]
}

/** Where the SDL of each role is committed. */
export function schemaFolderOf({ folder }: Pick<Project, 'folder'>): URL {
  return pathToFileURL(join(folder, 'graphql/schema/'))
}
