import type { Log } from '../log.ts'
import type { Guard, Observer } from './observer.ts'

const messages: Readonly<Record<Guard, string>> = {
  'ticket-unserved': 'a ticket names a job or account that does not run here',
  'ticket-refused': 'the queue took no ticket, and this process is offered the line',
  'end-refused': 'the run had lost its lease: how it ended is not recorded',
  'fenced-write': 'a write was refused',
}

/** Writes down what a person looks for; what another line tells anyway has none of its own. */
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
      // Positions stay in the record: a cursor may be a text of the row's.
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
