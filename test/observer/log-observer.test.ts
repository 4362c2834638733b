import { describe, expect, test } from 'vitest'
import { JobError } from '../../src/errors.ts'
import { createLogObserver } from '../../src/observer/log-observer.ts'
import type { Observer } from '../../src/observer/observer.ts'
import { tellAll } from '../../src/observer/tell-all.ts'
import { captureLog } from '../fixtures/captured-log.ts'

const line = { job: 'sync-users', account: 'north' }
const run = { ...line, run: 'r1', request: 'q1' }
const asked = { trigger: 'cli' }
const error = new JobError('broken', 'It broke')

describe('in the log, an event', () => {
  test.each<[string, (observer: Observer) => void, object | undefined]>([
    ['of a claim is none', observer => observer.runClaimed(run, { ...asked, probed: false }), undefined],
    ['of a beginning', o => o.runBegan(run, asked), { ...run, ...asked, level: 'info', msg: 'run started' }],
    [
      'of a success',
      o => o.runEnded(run, { state: 'succeeded', durationMs: 5, counts: { read: 1 } }),
      { ...run, level: 'info', counts: { read: 1 }, msg: 'run succeeded' },
    ],
    [
      'of a failure',
      o => o.runEnded(run, { state: 'failed', durationMs: 5, error }),
      { ...run, level: 'error', error: { code: 'broken', message: 'It broke' }, msg: 'run failed' },
    ],
    [
      'of a refusal',
      o => o.runEnded(run, { state: 'refused', durationMs: 5, error }),
      { ...run, level: 'warn', msg: 'run refused' },
    ],
    [
      'of a request',
      o => o.requestAccepted(line, { ...asked, request: 'q1', absorbed: false }),
      { ...line, ...asked, request: 'q1', level: 'debug', msg: 'request accepted' },
    ],
    ['of a page is none', o => o.pageWritten(run, { table: 'users', read: 2, changed: 1, durationMs: 5 }), undefined],
    [
      'of a token is none',
      o => o.tokenFetched('north', { outcome: 'granted', isRenewal: false, durationMs: 5 }),
      undefined,
    ],
    ['of a hold is none', o => o.holdPlaced(run, { code: 'claims', scope: 'job' }), undefined],
    [
      'of a lifted hold',
      o => o.holdLifted(run, { code: 'claims', scope: 'account' }),
      { ...run, code: 'claims', scope: 'account', level: 'info', msg: 'a hold is lifted' },
    ],
    [
      'of a claim that found nothing',
      o => o.nothingClaimed({ job: 'a', account: 'b' }, 'held'),
      { level: 'debug', guard: 'claim-held', job: 'a', account: 'b', msg: 'nothing was claimed' },
    ],
    ['of a refused end', o => o.guardFired('end-refused', { run: 'r1' }), { level: 'warn', guard: 'end-refused' }],
    ['of a refused write', o => o.guardFired('fenced-write', run), { level: 'debug', guard: 'fenced-write' }],
  ])('%s', (_what, tell, line) => {
    const { log, lines } = captureLog()
    tell(tellAll([createLogObserver(log)], log))
    expect(lines).toMatchObject(line === undefined ? [] : [line])
  })
})
