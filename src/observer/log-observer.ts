import type { Log } from '../log.ts'
import type { Guard, Observer } from './observer.ts'

const messages: Readonly<Partial<Record<Guard, string>>> = {
  'ticket-unserved': 'a ticket names a job or account that does not run here',
  'ticket-refused': 'the queue took no ticket, and this process is offered the line',
  'end-refused': 'the run had lost its lease: how it ended is not recorded',
  'fenced-write': 'a write was refused',
}

/** Writes down what a person looks for; what another line tells anyway has none of its own. */
export function createLogObserver(log: Log): Observer {
  return {
    runClaimed() {},
    runBegan(run, { request, trigger }) {
      log.info({ ...run, request, trigger }, 'run started')
    },
    runEnded(run, how) {
      // Positions stay in the record: a cursor may be a text of the row's.
      if (how.state === 'succeeded') log.info({ ...run, counts: how.counts }, 'run succeeded')
      else log[how.state === 'failed' ? 'error' : 'warn']({ ...run, error: how.error }, `run ${how.state}`)
    },
    holdPlaced() {},
    holdLifted(run) {
      log.info({ ...run }, 'the gate lets the account pass again')
    },
    guardFired(guard, facts) {
      const level = guard === 'end-refused' ? 'warn' : 'debug'
      log[level]({ ...facts, guard }, messages[guard] ?? 'nothing was claimed')
    },
  }
}
