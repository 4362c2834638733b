import { TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'
import { createOncePerMinute } from '../time/once-per-minute.ts'
import { explainRedisFailure } from './redis-failure.ts'

/** Logs the errors of BullMQ's connections. During an outage each of them reports the same error several times a second. */
export function createErrorLog({ clock, log }: { readonly clock: Clock; readonly log: Log }): (error: Error) => void {
  const isNew = createOncePerMinute(clock)
  return error => {
    const { code, ...told } = explainRedisFailure(error, 'Redis')
    if (!isNew(code)) return
    log.warn(
      { error: new TransientError(code, told) },
      'the queue reported an error; the same error is not logged again for a minute',
    )
  }
}
