import { fstatSync, writeFileSync } from 'node:fs'
import type { Explanation } from '../explanation.ts'
import { codeOfFile, explainFileFailure } from '../failures/file-failure.ts'

export interface Output {
  write(text: string): void
  /** From now on, everything else that is written to the stream goes to another one: jobs and what they import print too. */
  reserve(other: NodeJS.WriteStream): void
  /** Waits until it is written. */
  flush(): Promise<void>
  /** Why a part of it is missing, if any. */
  findProblem(): Explanation | undefined
}

/**
 * What a command writes to stdout. Node takes a write to a file for complete when the disk had room for a part of it, so files are written
 * without its stream.
 */
export function openOutput(stream: NodeJS.WriteStream & { readonly fd: number }): Output {
  const target = fstatSync(stream.fd)
  const isFile = target.isFile() || (target.isCharacterDevice() && !stream.isTTY)
  const write = stream.write.bind(stream)
  let problem: Explanation | undefined
  return {
    write(text) {
      if (!isFile) {
        write(text)
        return
      }
      try {
        writeFileSync(stream.fd, text)
      } catch (error) {
        problem ??= explain(error)
      }
    },
    reserve(other) {
      stream.write = other.write.bind(other)
    },
    flush: () => new Promise(resolve => write('', () => resolve())),
    findProblem: () => problem,
  }
}

function explain(error: unknown): Explanation {
  const what = 'Not all of the output could be written'
  return (
    explainFileFailure(what, error) ?? { found: `${what} (${codeOfFile(error)})`, remedy: 'write it to another place' }
  )
}
