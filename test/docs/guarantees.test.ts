import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDocument } from './markdown.ts'

/** A link to a test file, and behind it the names of its tests in italics. */
const proofs = [
  ...readDocument('docs/guarantees.md').matchAll(/\]\(\.\.\/(test\/[^)]+)\)((?::| ?,)?(?: ?\*[^*]+\*,?)*)/g),
].map(([, file = '', names = '']) => ({
  file,
  names: [...names.matchAll(/\*([^*]+)\*/g)].map(([, name = '']) => name),
}))

test.each(proofs)('a promise is held by tests that exist: $file', ({ file, names }) => {
  expect(names).not.toEqual([])
  const code = readDocument(join(file))
  for (const name of names) expect(code).toContain(name)
})

test('every promise names its test', () => {
  const rows = readDocument('docs/guarantees.md')
    .split('\n')
    .filter(line => line.startsWith('| **'))
  expect(rows.length).toBeGreaterThan(10)
  for (const row of rows) expect(row).toMatch(/\]\(\.\.\/test\//)
})
