import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { endSurely } from '../../src/execution/run-line.ts'
import { tellAll } from '../../src/observer/tell-all.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { again, newLine } from '../fixtures/open-lines.ts'
import { createUnreachableStore } from '../fixtures/unreachable-store.ts'

test('a run that ends while the store is out of reach logs it once a minute, not at each try', async () => {
  const clock = new ManualClock()
  const { log, lines } = captureLog()
  const stopping = new AbortController()
  const ended = endSurely(
    { store: createUnreachableStore(), clock, log, observer: tellAll([], log) },
    { ...newLine(), run: randomUUID(), request: 'r' },
    again(),
    stopping.signal,
  )
  await clock.advance(150_000)
  stopping.abort()
  await ended
  expect(lines.map(line => line.level)).toEqual(['warn', 'warn', 'warn'])
})
