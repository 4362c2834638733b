import { expect, test } from 'vitest'
import { watchAborted } from '../../src/execution/watch-aborted.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'

const goesOn = { level: 'warn', msg: expect.stringContaining('its job has not ended') }

function watchJob() {
  const clock = new ManualClock()
  const { log, lines } = captureLog()
  const run = new AbortController()
  return { clock, lines, run, watch: watchAborted({ clock, log }, run.signal) }
}

test('a job that goes on after its run was aborted is told once', async () => {
  const { clock, lines, run, watch } = watchJob()
  await clock.advance(60_000)
  expect(lines).toEqual([])
  run.abort()
  await clock.advance(60_000)
  expect(lines).toMatchObject([goesOn])
  watch[Symbol.dispose]()
})

test('a job that ends soon after, or before, is not', async () => {
  const { clock, lines, run, watch } = watchJob()
  run.abort()
  await clock.advance(1_000)
  watch[Symbol.dispose]()
  await clock.advance(60_000)
  expect(lines).toEqual([])
})
