import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDocument } from './markdown.ts'

const promising = ['docs/guarantees.md', 'docs/security.md']

/** A link to a test file, and after it the names of its tests in italics. */
const proofs = promising
  .flatMap(path => [...readDocument(path).matchAll(/\]\(\.\.\/(test\/[^)]+)\)((?::| ?,)?(?: ?\*[^*]+\*,?)*)/g)])
  .map(([, file = '', names = '']) => ({
    file,
    names: [...names.matchAll(/\*([^*]+)\*/g)].map(([, name = '']) => name),
  }))

test.each(proofs)('a promise is held by tests that exist: $file', ({ file, names }) => {
  expect(names).not.toEqual([])
  const code = readDocument(join(file))
  for (const name of names) expect(code).toContain(name)
})

test.each(promising)('every promise names its test: %s', path => {
  const rows = readDocument(path)
    .split('\n')
    .filter(line => line.startsWith('| **'))
  expect(rows.length).toBeGreaterThan(10)
  for (const row of rows) expect(row).toMatch(/\]\(\.\.\/test\//)
})
