import { expect, test } from 'vitest'
import { fingerprintOf, fingerprintOfFilter } from '../../src/pull/checkpoint.ts'

test('the fingerprint of a filter is the same in whatever order its keys are written, and that of an older version', () => {
  const filter = { id: { _gt: 0, _lt: 9 }, title: { _in: ['b', 'a'] } }
  expect(fingerprintOfFilter({ title: { _in: ['b', 'a'] }, id: { _lt: 9, _gt: 0 } })).toBe(fingerprintOfFilter(filter))
  expect(fingerprintOfFilter({ ...filter, title: { _in: ['a', 'b'] } })).not.toBe(fingerprintOfFilter(filter))
  // A version that didn't sort them stored this one.
  expect(fingerprintOfFilter(filter)).toBe(fingerprintOf(filter))
})
