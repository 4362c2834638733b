import { expect, test } from 'vitest'
import { jobs } from '../src/jobs/list.ts'

test('no two jobs have the same name', () => {
  const names = jobs.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
