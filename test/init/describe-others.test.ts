import { expect, test } from 'vitest'
import { describeOthers } from '../../src/init/describe-others.ts'

const lists = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    place: `list_${index}`,
    problem: { found: 'It has no key', remedy: 'give --key' },
  }))

test('a few lists are explained', () => {
  expect(describeOthers(lists(2))).toBe(
    'Not offered: list_0. It has no key: give --key.\nNot offered: list_1. It has no key: give --key.\n',
  )
})

test('none is no line', () => {
  expect(describeOthers([])).toBe('')
})

test('many are named in a line, with the command that explains each', () => {
  const told = describeOthers(lists(191))
  expect(told).toContain(': list_0, list_1, ')
  expect(told).toContain(', list_190.\n"npm run -s cli -- add NAME" says which')
  expect(told.split('\n')).toHaveLength(3)
})
