/** The project that a command works for: a team's own jobs, operations and generated types, and how Node is started there. */
export interface Project {
  /** An absolute path. */
  readonly folder: string
  /** The path of Node, and the arguments with which it finds the same modules as this process. */
  readonly node: readonly [path: string, ...args: string[]]
}
