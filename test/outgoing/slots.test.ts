import { expect, test } from 'vitest'
import { createSlots } from '../../src/outgoing/slots.ts'

test('so much work runs at a time, in its order, and a failure gives its slot back', async () => {
  const slots = createSlots(2)
  const log: string[] = []
  const gates = new Map<string, PromiseWithResolvers<void>>()
  const start = (name: string) => {
    const gate = Promise.withResolvers<void>()
    gates.set(name, gate)
    return slots(async () => {
      log.push(name)
      await gate.promise
      return name
    })
  }
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(start)
  expect(log).toEqual(['a', 'b'])
  gates.get('a')?.reject(new Error('failed'))
  await expect(a).rejects.toThrow('failed')
  gates.get('b')?.resolve()
  expect(await b).toBe('b')
  for (const name of ['c', 'd']) gates.get(name)?.resolve()
  expect(await Promise.all([c, d])).toEqual(['c', 'd'])
  expect(log).toEqual(['a', 'b', 'c', 'd'])
})
