import { expect, test } from 'vitest'
import { CrashError, TransientError } from '../../src/errors.ts'
import type { LineName } from '../../src/runs/line.ts'
import { createDispatcher, type Dispatcher } from '../../src/serving/dispatcher.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { untilAborted } from '../fixtures/until-aborted.ts'

const slots = 8

/** Lines that always have work, served by one process; what is counted is turns, not time. */
function openBusyLines(count: number) {
  const lines = new Map(
    Array.from({ length: count }, (_, n) => [`busy-${n}`, { turns: 0, takenAt: 0, isTaken: false }]),
  )
  let turns = 0
  /** What a look of the store tells: lines that nobody runs, those first that were served longest ago. */
  const findReady = (): LineName[] =>
    [...lines]
      .filter(([, line]) => !line.isTaken)
      .sort(([, a], [, b]) => a.takenAt - b.takenAt)
      .slice(0, 2 * slots)
      .map(([job]) => ({ account: 'a', job }))
  const dispatcher: Dispatcher = createDispatcher({
    clock: systemClock,
    log: captureLog().log,
    slots,
    async run({ account, job }) {
      const line = lines.get(job)
      if (!line || line.isTaken) return false
      turns += 1
      Object.assign(line, { isTaken: true, takenAt: turns, turns: line.turns + 1 })
      await new Promise(resolve => setImmediate(resolve))
      line.isTaken = false
      // Its end tells that the line has more.
      if (turns < 100 * count) dispatcher.offer([{ account, job }])
      return true
    },
    lookAgain: () => dispatcher.offer(findReady()),
  })
  return {
    dispatcher,
    findReady,
    turnsOf: () => [...lines.values()].map(line => line.turns),
    isOver: () => turns >= 100 * count,
  }
}

test.each([1, 8, 9, 12, 15, 16, 17, 24, 60, 150])('of %i busy lines each has its turns', async count => {
  const { dispatcher, findReady, turnsOf, isOver } = openBusyLines(count)
  dispatcher.offer(findReady())
  // As a process looks once in a while, whatever it was told.
  for (let n = 1; !isOver(); n += 1) {
    await new Promise(resolve => setImmediate(resolve))
    if (n % 20 === 0) dispatcher.offer(findReady())
  }
  await dispatcher.stop(10_000)
  expect(Math.min(...turnsOf())).toBeGreaterThan(20)
})

test('while every line fails for the same reason, it is logged once a minute', async () => {
  const clock = new ManualClock()
  const { log, lines } = captureLog()
  const fail = () => Promise.reject(new TransientError('store', 'Postgres has no disk space left'))
  const dispatcher = createDispatcher({ clock, log, slots, run: fail, lookAgain() {} })
  const serveAll = () =>
    Promise.all(Array.from({ length: 30 }, (_, n) => dispatcher.serve({ account: `a-${n}`, job: 'j' })))
  await serveAll()
  await serveAll()
  expect(lines).toHaveLength(1)
  await clock.advance(60_000)
  await serveAll()
  expect(lines).toHaveLength(2)
})

test.each([new CrashError(), undefined])('a stop tells the runs that it aborts why: %s', async reason => {
  const told: unknown[] = []
  const run = (_line: LineName, signal: AbortSignal) =>
    untilAborted(signal).catch((error: unknown) => {
      told.push(error)
      return true
    })
  const dispatcher = createDispatcher({ clock: systemClock, log: captureLog().log, slots, run, lookAgain() {} })
  void dispatcher.serve({ account: 'a', job: 'j' })
  await dispatcher.stop(0, reason)
  expect(told).toEqual([reason ?? expect.objectContaining({ name: 'AbortError' })])
})
