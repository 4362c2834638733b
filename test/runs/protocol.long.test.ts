import { afterAll, describe, expect, test } from 'vitest'
import { explore } from './protocol/explore.ts'
import { openModelStore } from './protocol/model-store.ts'
import { worlds } from './protocol/worlds.ts'

/**
 * Every reachable state of small worlds: two workers, one account, some requests, and a number of faults at any time. A step
 * is what the worker itself does, through its own functions, on a store of PGlite. A ticket is a claim that somebody tries, so that
 * lost, late and doubled ones are among the histories: any worker may claim any line at any time.
 */
describe('every reachable state of', () => {
  const faults = process.env.PROTOCOL_FAULTS === undefined ? undefined : Number(process.env.PROTOCOL_FAULTS)
  const told: string[] = []
  afterAll(() => console.log(told.join('\n')))

  test.each(Object.entries(worlds))('%s keeps what is promised', async (name, world) => {
    const lines = world.lines.map(line => ({
      ...line,
      afterBootstrap: false,
      hasSchedule: world.scheduled?.job === line.job,
      firstSlot: 1,
      slots: world.slots,
    }))
    await using model = await openModelStore(lines)
    const sized = faults === undefined ? world : { ...world, left: { ...world.left, faults } }
    const { states, transitions } = await explore(model, sized)
    told.push(`${name}: ${states} states, ${transitions} transitions`)
    expect(states).toBeGreaterThan(100)
  })
})
