import { dirname } from 'node:path'

/** A folder and all above it. */
export function withParents(folder: string): readonly string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...withParents(parent)]
}
