import {
  CancelledError,
  LeaseLostError,
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  TransientError,
} from '../../../src/errors.ts'
import { type Ending, endAfter, endWith, inForeground, type RunFacts } from '../../../src/runs/ending.ts'
import type { Hand } from './state.ts'

/** How a run may end, as the worker's own functions have it. */
const endings = {
  done: facts => endWith({}, facts),
  wait: facts => endWith({ waitMs: 5_000 }, facts),
  steps: facts => endWith({ steps: ['step'] }, facts),
  again: facts => endAfter(new TransientError('unexpected', 'It may pass'), facts),
  failed: facts => endAfter(new PermanentError('validation-failed', 'It cannot work'), facts),
  outage: facts => endAfter(new OutageError('hasura', 'account', 'It is away'), facts),
  limited: facts => endAfter(new RateLimitedError('Wait', 5_000), facts),
  refused: facts => endAfter(new RefusalError('job-roles', 'job', 'The role is missing'), { ...facts, metBy: 'gate' }),
  stopped: facts => endAfter(facts.stopped, facts),
} satisfies Record<string, (facts: RunFacts) => Ending>
export type EndingName = keyof typeof endings

export const isEnding = (name: string): name is EndingName => name in endings

export function endingOf(name: EndingName, { failures, probed, aborted, foreground }: Hand): Ending {
  const stopped = { lost: new LeaseLostError('Another one has taken over'), cancel: new CancelledError() }
  const facts: RunFacts = {
    failures,
    probed,
    metBy: 'run',
    dryRun: false,
    stopped: name === 'stopped' && aborted ? stopped[aborted] : undefined,
  }
  const ending = endings[name](facts)
  return foreground ? inForeground(ending) : ending
}
