import type { Log } from '../log.ts'
import type { ObservedStep, Observer } from './observer.ts'
import type { TraceHeaders } from './trace-headers.ts'

/** Passes every event to the observers that handle it, in order. An observer that throws doesn't affect the others. */
export function tellAll(observers: readonly Partial<Observer>[], log: Log): Observer {
  const tell = (toOne: (observer: Partial<Observer>) => void): void => {
    for (const observer of observers) {
      try {
        toOne(observer)
      } catch (error) {
        log.warn({ error }, 'an observer failed')
      }
    }
  }
  return {
    requestAccepted: (...told) => tell(to => to.requestAccepted?.(...told)),
    ticketsAdded: (...told) => tell(to => to.ticketsAdded?.(...told)),
    ticketTaken: (...told) => tell(to => to.ticketTaken?.(...told)),
    nothingClaimed: (...told) => tell(to => to.nothingClaimed?.(...told)),
    runClaimed: (...told) => tell(to => to.runClaimed?.(...told)),
    runBegan: (...told) => tell(to => to.runBegan?.(...told)),
    runEnded: (...told) => tell(to => to.runEnded?.(...told)),
    pageWritten: (...told) => tell(to => to.pageWritten?.(...told)),
    messageSent: (...told) => tell(to => to.messageSent?.(...told)),
    holdPlaced: (...told) => tell(to => to.holdPlaced?.(...told)),
    holdLifted: (...told) => tell(to => to.holdLifted?.(...told)),
    tokenFetched: (...told) => tell(to => to.tokenFetched?.(...told)),
    grantsCompared: (...told) => tell(to => to.grantsCompared?.(...told)),
    apiAsked: (...told) => tell(to => to.apiAsked?.(...told)),
    httpAnswered: (...told) => tell(to => to.httpAnswered?.(...told)),
    guardFired: (...told) => tell(to => to.guardFired?.(...told)),
    during(step, work) {
      let whole: typeof work = work
      for (const { during } of observers.toReversed()) {
        const inner = whole
        if (during) whole = outer => during(step, own => inner(own ?? outer))
      }
      return whole(headersOf(step))
    },
  }
}

/** A request's headers are stored and passed to its runs, even if this process traces nothing. */
function headersOf(step: ObservedStep): TraceHeaders | undefined {
  if (step.kind === 'request') return step.caller ?? undefined
  return step.kind === 'run' ? (step.kept ?? undefined) : undefined
}
