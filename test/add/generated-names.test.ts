import { generate } from '@graphql-codegen/cli'
import { expect, test } from 'vitest'
import codegen from '../../codegen.ts'
import { findJobNames } from '../../src/add/job-names.ts'
import { renderOperation } from '../../src/add/render-operation.ts'
import { readRootField } from '../../src/add/root-field.ts'
import { describeTable, readSdl } from './read-sdl.ts'

const columns = 'id: uuid!\nconstructor: String\ntoString: String\nhasOwnProperty: Int\nclass: jsonb'
const tables = ['Order', 'order', 'ORDER', 'user_s', 'users', 'User_s', 'a_b', 'aB', 'ab', 'class']

test('tables whose names differ only in case and underscores have types of their own', async () => {
  const schema = readSdl(...tables.map(table => describeTable(table, columns, 'id: uuid!')))
  const taken = new Set<string>()
  const documents = tables.map(table => {
    const names = findJobNames(table).find(({ constant }) => !taken.has(constant))
    if (!names) throw new TypeError('there are always more names')
    taken.add(names.constant)
    return renderOperation(readRootField(table, schema), names, [])
  })
  const { 'src/generated/': settings } = codegen.generates
  if (!settings) throw new TypeError('this is where the types go')
  const files = await generate(
    { schema: schema.sdl, documents, generates: { 'src/generated/': settings }, silent: true },
    false,
  )
  const [types] = files.filter(({ filename }: { filename: string }) => filename.endsWith('graphql.ts'))
  const exported = [...types.content.matchAll(/^export (?:type|const) (\w+)/gm)].map(([, name]) => name)
  expect(exported).toEqual([...new Set(exported)])
  for (const table of tables) expect(exported).toContain(`${table}_bool_exp`)
})
