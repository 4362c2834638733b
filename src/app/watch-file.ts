import { stat } from 'node:fs/promises'
import type { Clock } from '../time/clock.ts'
import { repeat } from '../time/repeat.ts'

/** Milliseconds between checks. */
const lookEveryMs = 2_000

export interface WatchOptions {
  readonly clock: Clock
  /** Registers a callback for requested reloads; returns a function that removes it. */
  readonly onHangup: (listener: () => void) => () => void
}

/**
 * Calls `reload` shortly after the start, after each change of the file, and immediately when a reload is requested, never
 * concurrently. It polls the file, because editors and Kubernetes replace files, and file system events don't follow that. A
 * change counts once two checks see the same content, so that a file isn't read while it is being written.
 *
 * @param reload receives whether the reload was requested; if it rejects, the next check calls it again
 */
export function watchFile(
  path: string,
  { clock, onHangup }: WatchOptions,
  reload: (asked: boolean) => Promise<void>,
): AsyncDisposable {
  let seen: string | undefined
  let taken: string | undefined
  const looks = repeat(clock, async ({ isAsked }) => {
    const found = await findVersion(path)
    if (isAsked || (found === seen && found !== taken)) {
      taken = await reload(isAsked).then(
        () => found,
        () => undefined,
      )
    }
    seen = found
    return lookEveryMs
  })
  const unsubscribe = onHangup(looks.ring)
  return {
    async [Symbol.asyncDispose]() {
      unsubscribe()
      await looks[Symbol.asyncDispose]()
    },
  }
}

/** A text that differs for each content, even if another file of the same size takes the file's place. */
async function findVersion(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(path, { bigint: true })
    return [ino, mtimeNs, size].join(' ')
  } catch {
    return 'missing'
  }
}
