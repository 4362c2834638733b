import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTurns, type Next } from '../../src/runs/turns.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'

const line = (job: string) => ({ account: 'default', job })

function open() {
  const clock = new ManualClock()
  const stopping = new AbortController()
  return { clock, stopping, turns: createTurns({ clock, stopping: stopping.signal }) }
}

describe('the turns of lines', () => {
  test('end after 50 ms where there is one slot', async () => {
    const { clock, turns } = open()
    const turn = turns.begin(line('a'))
    const seen: Next[] = []
    for (let ms = 0; ms <= 60; ms += 20) {
      seen.push(turn())
      await clock.advance(20)
    }

    expect(seen).toEqual(['own', 'own', 'own', 'end'])
  })

  test('end as soon if somebody corrects the machine’s clock meanwhile', async () => {
    const { clock, turns } = open()
    const turn = turns.begin(line('a'))
    clock.correct(-7_200_000)
    await clock.advance(60)
    expect(turn()).toBe('end')
  })

  test('go on where a line that gave up its slot has it again at once, and let lines of their account go first', async () => {
    const { clock, turns } = open()
    const [a, b] = [turns.begin(line('a')), turns.begin(line('b'))]
    await clock.advance(50)

    expect([a(), b()]).toEqual(['end', 'yield'])
    turns.begin(line('a'))
    await clock.advance(49)
    expect(b()).toBe('own')
    await clock.advance(1)
    expect(b()).toBe('end')
  })

  test('all end where one that gave up its slot waits for it', async () => {
    const { clock, turns } = open()
    const [a, b, c] = [turns.begin(line('a')), turns.begin(line('b')), turns.begin(line('c'))]
    await clock.advance(90)
    expect(a()).toBe('end')
    await clock.advance(40)
    expect([b(), c()]).toEqual(['yield', 'yield'])
    await clock.advance(60)

    expect([b(), c()]).toEqual(['end', 'end'])
  })

  test('don’t wait for a line that has no more work', async () => {
    const { clock, turns } = open()
    const a = turns.begin(line('a'))
    await clock.advance(50)
    expect(a()).toBe('end')
    await clock.advance(1_000)
    const [b, c] = [turns.begin(line('b')), turns.begin(line('c'))]
    await clock.advance(50)

    expect([b(), c()]).toEqual(['end', 'yield'])
  })

  test('none continues while the worker stops', () => {
    const { stopping, turns } = open()
    const a = turns.begin(line('a'))
    stopping.abort()

    expect(a()).toBe('end')
  })

  test('a line that waits for a slot has one within 50 ms and a run for each that waited before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (slots, lines, runMs) => {
          const { clock, turns } = open()
          const queue = Array.from({ length: lines }, (_, n) => ({ line: line(`job-${n}`), since: 0 }))
          const running: { line: { account: string; job: string }; turn: () => Next }[] = []
          let longest = 0
          let sinceOneEnded = 0
          for (let now = 0; now < 2_000; now += runMs) {
            while (running.length < slots) {
              const first = queue.shift()
              if (!first) break
              longest = Math.max(longest, now - first.since)
              running.push({ line: first.line, turn: turns.begin(first.line) })
            }
            await clock.advance(runMs)
            for (const each of [...running]) {
              if (each.turn() !== 'end') continue
              running.splice(running.indexOf(each), 1)
              queue.push({ line: each.line, since: now + runMs })
              sinceOneEnded = now
            }
            expect(now - sinceOneEnded).toBeLessThanOrEqual(50 + 2 * runMs)
          }
          const before = Math.max(0, lines - slots)

          expect(longest).toBeLessThanOrEqual((50 + 2 * runMs) * (before + 1))
        },
      ),
      { numRuns: 30 },
    )
  })
})
