import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** A defect of one line, as a patch of the sources. */
export interface Mutant {
  readonly name: string
  readonly path: string
  readonly breaks: string
  /** How the promise of docs/guarantees.md begins that it violates. */
  readonly promise: string
  /** The test file that is the first to look for it, and the name of one of its tests where that is enough. */
  readonly foundBy: { readonly file: string; readonly test?: string | undefined }
}

const header = /^# (?<breaks>.+)\n# Promise: (?<promise>.+)\n# Found by: (?<file>[^\s:]+)(?:: (?<test>.+))?\n---/

/** @throws Error when a patch doesn't begin with what it breaks, the promise and where it is found */
export function readMutants(folder: string): readonly Mutant[] {
  return readdirSync(folder)
    .filter(file => file.endsWith('.patch'))
    .toSorted()
    .map(file => {
      const path = join(folder, file)
      const { breaks, promise, file: finder, test } = header.exec(readFileSync(path, 'utf8'))?.groups ?? {}
      if (!breaks || !promise || !finder) throw new Error(`${file} doesn't begin as chaos/README.md says`)
      return { name: basename(file, '.patch'), path, breaks, promise, foundBy: { file: finder, test } }
    })
}
