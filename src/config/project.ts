import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The project of a command: a team's jobs, operations and generated types, and how to start Node there. */
export interface Project {
  /** Absolute path: the working directory of the command. */
  readonly folder: string
  /** Path of Node and the arguments that make it resolve modules as this process does. */
  readonly node: readonly [path: string, ...args: string[]]
}

/** Folder of the committed SDL of each role. */
export function schemaFolderOf({ folder }: Pick<Project, 'folder'>): URL {
  return pathToFileURL(join(folder, 'graphql/schema/'))
}
