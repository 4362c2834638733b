import { TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'

/** Milliseconds between attempts. */
const againMs = 1_000

/**
 * Opens something that needs a service which may start later than this process, as soon as it is available. Logs once that it
 * waits.
 *
 * @returns undefined if the signal was aborted first; what opens after that is closed again
 * @throws what `open` throws, except TransientErrors
 */
export async function openWhenThere<T extends AsyncDisposable>(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  open: () => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await openUnlessAborted(open, signal)
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      if (attempt === 1) log.warn({ error }, 'waiting for the store: the worker starts when it is available')
      await clock.sleep(againMs, signal).catch(() => {})
    }
  }
  return undefined
}

async function openUnlessAborted<T extends AsyncDisposable>(
  open: () => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>()
  const giveUp = () => aborted.resolve(undefined)
  signal.addEventListener('abort', giveUp, { once: true })
  const opening = open()
  try {
    const opened = await Promise.race([opening, aborted.promise])
    if (!opened) {
      opening.then(
        late => late[Symbol.asyncDispose](),
        () => {},
      )
    }
    return opened
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
