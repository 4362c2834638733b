import { stat } from 'node:fs/promises'
import type { Clock } from '../time/clock.ts'
import { repeat } from '../time/repeat.ts'

/** Milliseconds between two looks. */
const lookEveryMs = 2_000

export interface WatchOptions {
  readonly clock: Clock
  /** Called back whenever somebody asks for a reload; returns what ends that. */
  readonly onHangup: (listener: () => void) => () => void
}

/**
 * Calls `reload` once soon, again for each change of the file, and at once whenever somebody asks for it; never twice at a time.
 * It looks at the file instead of being told: editors and Kubernetes replace files, which such notices don't follow. A change
 * is taken when it is the same in two looks, so that a file that is being written isn't read halfway.
 *
 * @param reload gets whether somebody asked; when it rejects, it is called again at the next look
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

/** Another text for another content, also for a file that was put in its place with the same size. */
async function findVersion(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(path, { bigint: true })
    return [ino, mtimeNs, size].join(' ')
  } catch {
    return 'not there'
  }
}
