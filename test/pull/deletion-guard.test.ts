import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTooMuch } from '../../src/pull/deletion-guard.ts'
import { settingsOf } from '../../src/pull/pull-options.ts'
import { pullArticlesDocument } from '../fixtures/wiki-documents.ts'

describe('the deletion guard', () => {
  const guard = { share: 0.3, floor: 10 }
  test.each([
    [100, 30, false],
    [100, 31, true],
    [10, 10, false],
    [11, 11, true],
    [1_000_000, 300_001, true],
    [0, 0, false],
  ])('of %i rows that are here and %i that are missing there says %s', (here, missingThere, expected) => {
    expect(isTooMuch({ here, missingThere }, guard)).toBe(expected)
  })

  test('never lets everything of a table above its floor go', () => {
    fc.assert(
      fc.property(fc.integer({ min: 11, max: 10 ** 9 }), rows => {
        expect(isTooMuch({ here: rows, missingThere: rows }, guard)).toBe(true)
      }),
    )
  })

  test('has its default where a job gives undefined', () => {
    const job = { name: 'sync-articles', role: 'viewer', document: pullArticlesDocument, into: 'articles' }
    const { guard } = settingsOf({ ...job, key: 'id', deletionGuard: Object({ share: undefined, floor: 5 }) })
    expect(guard).toEqual({ share: 0.3, floor: 5 })
  })
})
