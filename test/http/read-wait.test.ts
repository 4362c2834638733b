import { expect, test } from 'vitest'
import { readWait } from '../../src/http/read-wait.ts'

test.each([
  [undefined, 0],
  ['', 0],
  ['wait=10', 10],
  ['Wait = 10', 10],
  ['respond-async, wait=10', 10],
  ['wait=10; x=y, wait=20', 10],
  ['wait="10"', 10],
  [['respond-async', 'wait=7'], 7],
  ['wait', 0],
  ['wait=-1', 0],
  ['wait=1.5', 0],
  ['wait=1e9', 0],
  ['wait=99999999999', 0],
  ['waiting=10', 0],
  ['x="wait=10"', 0],
])('of %j, the wait is %i s', (header, seconds) => {
  expect(readWait(header)).toBe(seconds)
})
