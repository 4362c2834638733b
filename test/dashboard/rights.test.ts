import { expect, test } from 'vitest'
import { rightsOf } from '../../src/dashboard/exchange-code.ts'

const names = { view: 'view-jobs', operate: 'operate-jobs', data: 'see-data' }

test.each([
  [[], []],
  [['other'], []],
  [['view-jobs'], ['view']],
  [['operate-jobs'], ['view', 'operate']],
  [['see-data'], ['data']],
  [
    ['view-jobs', 'see-data'],
    ['view', 'data'],
  ],
  [
    ['operate-jobs', 'see-data'],
    ['view', 'operate', 'data'],
  ],
])('the roles %j are the rights %j', (roles, expected) => {
  expect(rightsOf(new Set(roles), names)).toEqual(expected)
})

test('a right that no role is named for is nobody’s', () => {
  expect(rightsOf(new Set(['undefined', 'view-jobs', 'see-data']), { view: 'view-jobs' })).toEqual(['view'])
})
