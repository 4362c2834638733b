import { expect, test } from 'vitest'
import { explainWaiting, type WaitingFacts } from '../../src/operations/explain-waiting.ts'

const paused: WaitingFacts = {
  account: 'default',
  job: 'export',
  state: 'waiting',
  failures: 0,
  interruptions: 0,
  due_at: '2026-11-29T00:00:00Z',
  is_due_later: true,
  step: null,
  hold_found: null,
  hold_remedy: null,
  hold_until: null,
  is_held: false,
  is_busy: false,
  ahead: 0,
  in_its_slots: 0,
  slots: 4,
  locked_by: null,
}

// The count stays while later runs succeed and ask to be called again.
test.each([
  [{}, 'the time for which its last run asked'],
  [{ failures: 3 }, 'the pause after its last run (3 failed so far)'],
  [{ interruptions: 3 }, 'after 3 consecutive runs that ended with their process'],
])('the reason for a pause with %o claims no more than is known', (counts, reason) => {
  expect(explainWaiting({ ...paused, ...counts })).toBe(`2026-11-29T00:00:00Z, ${reason}`)
})
