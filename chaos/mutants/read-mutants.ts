import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** A one-line defect, as a patch of the sources. */
export interface Mutant {
  readonly name: string
  readonly path: string
  readonly breaks: string
  /** The beginning of the promise in docs/guarantees.md that it violates. */
  readonly promise: string
  /** The test file that runs first, and the name of one of its tests if that is enough. */
  readonly foundBy: { readonly file: string; readonly test?: string | undefined }
}

const header = /^# (?<breaks>.+)\n# Promise: (?<promise>.+)\n# Found by: (?<file>[^\s:]+)(?:: (?<test>.+))?\n---/

/** @throws Error if a patch lacks its three header lines */
export function readMutants(folder: string): readonly Mutant[] {
  return readdirSync(folder)
    .filter(file => file.endsWith('.patch'))
    .toSorted()
    .map(file => {
      const path = join(folder, file)
      const { breaks, promise, file: finder, test } = header.exec(readFileSync(path, 'utf8'))?.groups ?? {}
      if (!breaks || !promise || !finder)
        throw new Error(`${file} lacks the header lines that chaos/README.md describes`)
      return { name: basename(file, '.patch'), path, breaks, promise, foundBy: { file: finder, test } }
    })
}
