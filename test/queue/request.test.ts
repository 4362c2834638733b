import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, deduplicationId, idempotentRequestId, scheduledRequestId } from '../../src/queue/request.ts'

/** The same value with the keys of its objects in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  )
}

describe('equal requests', () => {
  test('the order of an object’s keys doesn’t matter, and it stays the same JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value))
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('share an id only when account, job and payload are the same', () => {
    const part = fc.record({ account: fc.string(), job: fc.stringMatching(/^[a-z-]+$/), payload: fc.jsonValue() })
    fc.assert(
      fc.property(part, part, (a, b) => {
        const same = a.account === b.account && a.job === b.job && canonicalJson(a.payload) === canonicalJson(b.payload)
        expect(deduplicationId(a) === deduplicationId(b)).toBe(same)
      }),
    )
  })

  test('ids of keys and ticks tell accounts, jobs and instants apart', () => {
    const at = new Date(0)
    const ids = [
      idempotentRequestId('a', 'b', 'c'),
      idempotentRequestId('a', 'bc', ''),
      idempotentRequestId('ab', '', 'c'),
      scheduledRequestId('a', 'b', at),
      scheduledRequestId('ab', '', at),
      scheduledRequestId('a', 'b', new Date(1)),
    ]
    expect(new Set(ids).size).toBe(ids.length)
    expect(scheduledRequestId('a', 'b', new Date(0))).toBe(scheduledRequestId('a', 'b', at))
  })
})
