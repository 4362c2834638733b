import { expect, test } from 'vitest'
import { chooseKey } from '../../src/add/choose-key.ts'
import { findJobNames } from '../../src/add/job-names.ts'
import { renderOperation } from '../../src/add/render-operation.ts'
import { requireRoom } from '../../src/add/require-room.ts'
import { readRootField } from '../../src/add/root-field.ts'
import { describeTable, readSdl } from './read-sdl.ts'

function look(columns: number, type: string) {
  const schema = readSdl(
    describeTable(
      'things',
      `id: uuid!${Array.from({ length: columns }, (_, n) => `\nc${n}: ${type}`).join('')}`,
      'id: uuid!',
    ),
  )
  const root = readRootField('things', schema)
  const key = chooseKey(root, undefined)
  const [names = expect.fail('it is a name')] = findJobNames('things')
  return requireRoom(renderOperation(root, names, key.columns), schema, key)
}

test.each([
  [1595, 'Int', /1596 columns.*1595/],
  [1010, 'bigint!', /at least \d+ bytes.*8160/],
])('%i columns of type %s are refused before anything is written', (columns, type, found) => {
  expect(() => look(columns, type)).toThrow(
    expect.objectContaining({
      name: 'UsageError',
      found: expect.stringMatching(found),
      remedy: expect.stringContaining('fewer columns'),
    }),
  )
})

test('1,000 that may be null are a risk, and a few are none', () => {
  expect(look(1000, 'bigint')?.found).toMatch(/a value in each of the 1001 columns.*8160/)
  expect(look(100, 'bigint')).toBeUndefined()
})
