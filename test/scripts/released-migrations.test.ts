import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { findUnreachable, pinMigrations } from '../../scripts/released-migrations.ts'
import { replaceFunctions } from '../../src/store/functions/statements.ts'
import { migrationStatements } from '../../src/store/migrations.ts'

const functions = ['create function a', 'create function b']
const released = pinMigrations(
  new Map([
    ['0001', ['create table a', ...functions]],
    ['0002', ['alter table a', ...functions]],
  ]),
  functions,
)

describe('a migration that has been released', () => {
  test('is the one that databases out there have executed', () => {
    const file = new URL('../../schema/released-migrations.json', import.meta.url)
    const pinned = JSON.parse(readFileSync(file, 'utf8'))
    expect(findUnreachable(pinned, migrationStatements, replaceFunctions)).toEqual([])
  })

  test.each([
    [
      'gains a successor',
      new Map([
        ['0001', ['create table a', ...functions]],
        ['0002', ['alter table a', ...functions]],
        ['0003', ['x']],
      ]),
      functions,
      [],
    ],
    [
      'leaves the functions to a later one',
      new Map([
        ['0001', ['create table a']],
        ['0002', ['alter table a']],
        ['0003', ['c']],
      ]),
      ['c'],
      [],
    ],
    [
      'is edited',
      new Map([
        ['0001', ['create table b']],
        ['0002', ['alter table a', ...functions]],
      ]),
      functions,
      ['0001'],
    ],
    ['is gone', new Map([['0002', ['alter table a', ...functions]]]), functions, ['0001']],
    [
      'has new functions without a new one',
      new Map([
        ['0001', ['create table a']],
        ['0002', ['alter table a', 'c']],
      ]),
      ['c'],
      ['0002'],
    ],
  ])('that %s', (_, migrations, current, named) => {
    const told = findUnreachable(released, migrations, current)
    expect(told.map(sentence => /00\d\d/.exec(sentence)?.[0])).toEqual(named)
  })

  test('is none before the first release', () => {
    expect(findUnreachable({ migrations: {} }, new Map([['0001', functions]]), functions)).toEqual([])
  })
})
