import { beforeEach, describe, expect, test } from 'vitest'
import { type Ringer, startRinger } from '../../src/live/ringer.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'

const line = { account: 'default', job: 'sync-things' }
const rung = { kind: 'rung', payload: { rung: true }, replaces: ['scan'] }
const scan = { kind: 'scan', payload: {}, waitMs: 1_500 }

describe('rings', () => {
  let clock: ManualClock
  let ringer: Ringer
  /** When a request was made, and of which payload. */
  let made: [number, unknown][]
  let isAway: boolean
  beforeEach(() => {
    clock = new ManualClock()
    made = []
    isAway = false
    ringer = startRinger({
      clock,
      log: captureLog().log,
      request: async (_line, payload) => {
        if (isAway) throw new Error('the store is away')
        made.push([clock.now(), payload])
      },
    })
  })
  const ring = (...rings: Parameters<Ringer['ring']>[1]) => ringer.ring(line, rings, 500)

  test('make a request at once, and one for all that come within the interval', async () => {
    for (let at = 0; at < 1_000; at += 100) {
      ring(rung)
      await clock.advance(100)
    }
    await clock.advance(10_000)
    expect(made.map(([at]) => at)).toEqual([0, 500, 1_000])
  })

  test('of another kind or another line are requests of their own', async () => {
    ring(rung, { kind: 'sweep', payload: { sweep: true } })
    ringer.ring({ ...line, account: 'other' }, [rung], 500)
    await clock.advance(0)
    expect(made).toHaveLength(3)
  })

  test('that wait are needless after one that replaces them, and are made otherwise', async () => {
    ring(scan)
    await clock.advance(1_000)
    ring(rung)
    await clock.advance(10_000)
    ring(scan)
    await clock.advance(10_000)
    expect(made).toEqual([
      [1_000, { rung: true }],
      [12_500, {}],
    ])
  })

  test('keep a longer pause of their own', async () => {
    const sweep = { kind: 'sweep', payload: { sweep: true }, pauseMs: 10_000 }
    ring(sweep)
    await clock.advance(1_000)
    ring(sweep)
    await clock.advance(20_000)
    expect(made.map(([at]) => at)).toEqual([0, 10_000])
  })

  test('are made again while the store is away', async () => {
    isAway = true
    ring(rung)
    await clock.advance(5_500)
    isAway = false
    await clock.advance(1_000)
    expect(made).toHaveLength(1)
  })
})
