import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { jobs as known } from '../../examples/wiki/src/jobs/list.ts'
import { chooseNames, chooseTable, findTaken } from '../../src/add/choose-names.ts'
import type { JobDefinition } from '../../src/definitions/define-job.ts'

const listFile = 'src/jobs/list.ts'
const operation = (name: string, list: string) => `query ${name}($where: a!) { ${list}(where: $where) { id } }`

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'names-'))
  await mkdir(join(folder, 'graphql'))
  await write(listFile, 'const syncs = []\n')
})
afterEach(() => rm(folder, { recursive: true }))

async function write(path: string, content: string): Promise<void> {
  await mkdir(join(folder, dirname(path)), { recursive: true })
  await writeFile(join(folder, path), content)
}

const choose = async (rootField: string, name?: string, jobs: readonly JobDefinition[] = []) =>
  chooseNames(await findTaken(folder, listFile, jobs), rootField, name).job

test.each<[what: string, path: string, content: string]>([
  ['its operation’s file', 'graphql/order.graphql', operation('Other', 'Order')],
  ['such a file in other letters', 'graphql/Order.graphql', 'query { a }'],
  ['its job’s file', 'src/jobs/sync-order.ts', ''],
  ['such a file in other letters', 'src/jobs/Sync-Order.ts', ''],
  ['its constant', listFile, 'const syncs = [syncOrder]\n'],
  ['its operation', 'graphql/others.graphql', operation('PullOrder', 'others')],
])('another name is found when something else has %s', async (_what, path, content) => {
  expect(await choose('order')).toBe('sync-order')
  await write(path, content)
  expect(await choose('order')).toBe('sync-order-2')
  await expect(choose('order', 'sync-order')).rejects.toThrow('already exists: give another name with --name')
  expect(await choose('order', 'import-order')).toBe('import-order')
})

test('what is pulled already isn’t pulled twice by accident', async () => {
  await expect(choose('articles', undefined, known)).rejects.toThrow(
    'sync-articles pulls articles already: change that job',
  )
  expect(await choose('articles', 'sync-articles-again', known)).toBe('sync-articles-again')
  await write('graphql/left.graphql', operation('PullThings', 'things'))
  await expect(choose('things')).rejects.toThrow('graphql/left.graphql queries things already')
  expect(await choose('north.things')).toBe('sync-north-things')
})

test('a name that no job can have is refused', async () => {
  await expect(choose('order', '../order')).rejects.toThrow('"../order" can\'t be the name of a job')
})

test.each<[rootField: string, asked: string | undefined, table: string | RegExp]>([
  ['order', undefined, 'order'],
  ['Order', undefined, 'Order'],
  ['articles', undefined, 'articles_2'],
  ['north.order', undefined, 'north_order'],
  ['x'.repeat(70), undefined, 'x'.repeat(63)],
  ['articles', 'Artikel', 'Artikel'],
  ['order', 'articles', /sync-articles already mirrors into mirror\.articles: give another table with --into/],
  [
    'order',
    'a.b',
    /"a\.b" can't be the name of a mirror table: it contains a dot, a quote or an invisible character: give another one with --into/,
  ],
])('the table of %s, asked for %s, is %s', (rootField, asked, table) => {
  if (typeof table === 'string') expect(chooseTable({ jobs: known, added: [] }, rootField, asked)).toBe(table)
  else expect(() => chooseTable({ jobs: known, added: [] }, rootField, asked)).toThrow(table)
})
