import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { jobs } from '../../examples/wiki/src/jobs/list.ts'
import { checkWishes } from '../../src/add/check-wishes.ts'

const wish = { rootField: 'things', key: undefined, cursor: undefined, into: 'things', name: undefined }
const node = [process.execPath] as const
const checkout = fileURLToPath(new URL('../../', import.meta.url))

test('a packed build has no sources to add to', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'packed-'))
  try {
    await expect(checkWishes({ folder, node, jobs }, [wish])).rejects.toThrow(
      `${folder} has no TypeScript sources or no codegen, which "add" needs: run it in a project, after "npm install --include=dev"`,
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.each([
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['Order', true],
  ['_1', true],
  ['1st', true],
  ['a b', true],
  ['ä'.repeat(31), true],
  ['ä'.repeat(32), false],
  ['a"b', false],
  ['a.b', false],
  ['', false],
])('a mirror table may be called %j: %s', async (into, isAllowed) => {
  const checked = checkWishes({ folder: checkout, node, jobs }, [{ ...wish, into }])
  await (isAllowed ? expect(checked).resolves.toMatchObject([{ into }]) : expect(checked).rejects.toThrow('--into'))
})

test.each(['größe', '', 'a b', 'a.b.c', '2nd', '.a'])('%j is no name of a root field', async rootField => {
  await expect(checkWishes({ folder: checkout, node, jobs }, [{ ...wish, rootField }])).rejects.toThrow(
    'GraphQL names consist of letters A to Z',
  )
})

test('jobs that are added together share no name', async () => {
  const wishes = ['Order', 'order', 'a.b', 'a_b'].map(rootField => ({ ...wish, rootField, into: undefined }))
  const chosen = await checkWishes({ folder: checkout, node, jobs: [] }, wishes)
  expect(chosen.map(({ names, into }) => `${names.job} ${into}`)).toEqual([
    'sync-order Order',
    'sync-order-2 order',
    'sync-a-b a_b',
    'sync-a-b-2 a_b_2',
  ])
})
