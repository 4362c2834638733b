import { describe, expect, test } from 'vitest'
import { startHeartbeat } from '../../src/process/heartbeat.ts'
import { createRunsInHand } from '../../src/process/runs-in-hand.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'

const lifeMs = 6_000
const silentMs = 4_500

/** A heartbeat whose beats are answered as `answer` says. */
async function open() {
  const clock = new ManualClock()
  const { log, lines } = captureLog()
  const told: string[] = []
  const sentAt: number[] = []
  const state = { answer: async (): Promise<void> => {} }
  const heartbeat = await startHeartbeat(
    {
      clock,
      log,
      beat() {
        sentAt.push(clock.now())
        return state.answer()
      },
      onSilent: (_silentMs, lateMs) => told.push(`silent at ${clock.now()}${lateMs ? `, ${lateMs} ms late` : ''}`),
      onHeard: () => told.push(`heard at ${clock.now()}`),
    },
    lifeMs,
  )
  return { clock, lines, told, sentAt, state, heartbeat }
}
const refused = () => Promise.reject(new Error('no answer'))

describe('a heartbeat', () => {
  test('comes once a second for as long as it is answered', async () => {
    const { clock, sentAt, told, heartbeat } = await open()
    await clock.advance(5_000)
    expect(sentAt).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000])
    expect(told).toEqual([])
    await heartbeat[Symbol.asyncDispose]()
  })

  test('without an answer: the time counts from when the last one that was answered was sent', async () => {
    const { clock, told, state, lines } = await open()
    // Sent at 1 s, answered at 3 s.
    state.answer = () => clock.sleep(2_000)
    await clock.advance(2_900)
    state.answer = refused
    await clock.advance(1_000 + silentMs - 2_900 - 1)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([`silent at ${1_000 + silentMs}`])
    // It is told once, and so is that beats aren't answered.
    await clock.advance(60_000)
    expect(told).toHaveLength(1)
    expect(lines).toHaveLength(1)
    state.answer = async () => {}
    await clock.advance(1_000)
    expect(told).toEqual([`silent at ${1_000 + silentMs}`, expect.stringMatching(/^heard/)])
    state.answer = refused
    await clock.advance(10_000)
    expect(told).toHaveLength(3)
  })

  test('that the process itself sends too late is told from a store that doesn’t answer', async () => {
    const { clock, told, state } = await open()
    await clock.advance(500)
    clock.block(5_000)
    await clock.advance(0)
    expect(told).toEqual(['silent at 5500, 4500 ms late', 'heard at 5500'])
    state.answer = () => clock.sleep(4_000).then(refused)
    await clock.advance(10_000)
    expect(told.slice(2)).toEqual([`silent at ${5_500 + silentMs}`])
  })

  test('is tried again soon, so that one lost connection silences nobody', async () => {
    const { clock, told, state, sentAt } = await open()
    await clock.advance(500)
    state.answer = () => clock.sleep(2_000).then(refused)
    await clock.advance(1_000)
    state.answer = async () => {}
    await clock.advance(10_000)
    expect(told).toEqual([])
    expect(sentAt.slice(0, 4)).toEqual([0, 1_000, 3_200, 4_200])
  })

  test('that is answered later than others wait says nothing about now', async () => {
    const { clock, told, state } = await open()
    state.answer = () => clock.sleep(silentMs + 1_000)
    await clock.advance(1_000 + silentMs + 1_500)
    expect(told).toEqual([`silent at ${silentMs}`])
    state.answer = async () => {}
    await clock.advance(2_000)
    expect(told).toHaveLength(2)
  })
})

test('a run that is taken in hand while the process can’t be heard is aborted as well', () => {
  const inHand = createRunsInHand()
  using before = inHand.take()
  inHand.silence(new Error('not heard'))
  using during = inHand.take()
  expect([before.signal.aborted, during.signal.aborted]).toEqual([true, true])
  inHand.silence(undefined)
  using after = inHand.take()
  expect(after.signal.aborted).toBe(false)
  expect(inHand.ids()).toEqual([before.runId, during.runId, after.runId])
  before.begin()
  expect(inHand.begunIds()).toEqual([before.runId])
})
