import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { faultKinds } from '../../chaos/faults/fault-kinds.ts'
import { planFaults } from '../../chaos/plan.ts'
import { createRandom } from '../../chaos/random.ts'

const kinds = faultKinds('redis', true)

describe('a plan of faults', () => {
  const options = fc.record({
    seed: fc.nat(),
    seconds: fc.integer({ min: 1, max: 600 }),
    workers: fc.integer({ min: 1, max: 5 }),
  })

  test('is the same for the same seed, in order, and never breaks one target twice at once', () => {
    fc.assert(
      fc.property(options, ({ seed, seconds, workers }) => {
        const plan = () => planFaults(createRandom(seed), kinds, { seconds, workers, accounts: ['a', 'b'] })
        const faults = plan()
        expect(plan()).toEqual(faults)
        const until = new Map<string, number>()
        let last = 0
        for (const { at, lasts, target } of faults) {
          expect(at).toBeGreaterThanOrEqual(last)
          expect(at).toBeLessThan(seconds * 1_000)
          expect(at).toBeGreaterThan(until.get(target) ?? 0)
          until.set(target, at + lasts)
          last = at
        }
      }),
    )
  })

  test('has each kind as often as its weight says', () => {
    const faults = planFaults(createRandom(1), kinds, { seconds: 1_800, workers: 3, accounts: ['a', 'b', 'c'] })
    expect(faults.length).toBeGreaterThanOrEqual(500)
    const times = kinds.map(({ name, weight = 1 }) => faults.filter(({ kind }) => kind === name).length / weight)
    expect(kinds.length).toBeGreaterThanOrEqual(40)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(Math.max(...times) - 3)
  })
})
