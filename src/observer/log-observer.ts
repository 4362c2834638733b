import type { Log } from '../log.ts'
import type { Guard, Observer } from './observer.ts'

const messages: Readonly<Record<Guard, string>> = {
  'ticket-unserved': 'a ticket names a job or account that does not run here',
  'ticket-refused': 'Redis accepted no ticket, so this process looks at the line itself',
  'end-refused': 'the run had lost its lease, so its end is not recorded',
  'fenced-write': 'a write was refused',
}

/** Logs the events that a person looks for, unless another line already contains them. */
export function createLogObserver(log: Log): Partial<Observer> {
  return {
    nothingClaimed(line, verdict) {
      log.debug({ ...line, guard: `claim-${verdict}` }, 'nothing was claimed')
    },
    requestAccepted(line, { absorber: _, ...how }) {
      log.debug({ ...line, ...how }, 'request accepted')
    },
    runBegan(run, { trigger }) {
      log.info({ ...run, trigger }, 'run started')
    },
    runEnded(run, how) {
      // Positions are stored but not logged: a cursor may be a text from the row.
      if (how.state === 'succeeded') log.info({ ...run, counts: how.counts }, 'run succeeded')
      else log[how.state === 'failed' ? 'error' : 'warn']({ ...run, error: how.error }, `run ${how.state}`)
    },
    holdLifted(run, { code, scope }) {
      log.info({ ...run, code, scope }, 'a hold is lifted')
    },
    guardFired(guard, facts) {
      log[guard === 'end-refused' ? 'warn' : 'debug']({ ...facts, guard }, messages[guard])
    },
  }
}
