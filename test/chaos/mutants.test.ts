import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readMutants } from '../../chaos/mutants/read-mutants.ts'
import { readDocument } from '../docs/markdown.ts'

const checkout = fileURLToPath(new URL('../../', import.meta.url))
const mutants = readMutants(fileURLToPath(new URL('../../chaos/mutants/', import.meta.url)))

describe('planted defects', () => {
  test.each(mutants)('$name can still be planted, breaks a promise, and has a test that looks for it', mutant => {
    // One that doesn't apply is made anew for the lines as they are now: chaos/README.md says how.
    execFileSync('git', ['apply', '--check', mutant.path], { cwd: checkout, stdio: 'pipe' })
    expect(readDocument('docs/guarantees.md')).toContain(`| **${mutant.promise}`)
    expect(existsSync(`${checkout}/${mutant.foundBy.file}`)).toBe(true)
  })

  test('are many, and each says something else', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(24)
    expect(new Set(mutants.map(({ breaks }) => breaks)).size).toBe(mutants.length)
  })
})
