import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codegen-'))
  await mkdir(join(folder, 'graphql/schema'), { recursive: true })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const settings = new URL('../src/codegen.ts', import.meta.url).href

/** In a process of its own, because codegen reads the folder it is started in. */
async function readSettings(): Promise<unknown> {
  const script = `const { codegenSettings } = await import(${JSON.stringify(settings)})
    console.log(JSON.stringify(codegenSettings().documents))`
  const started = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: folder })
  return JSON.parse((await started).stdout)
}

test('operations, and files of comments or nothing, are codegen’s to read', async () => {
  await writeFile(join(folder, 'graphql/topics.graphql'), 'query Topics { topics { id } }')
  await writeFile(join(folder, 'graphql/later.graphql'), `${'# later   \n'.repeat(40)}  # and later`)
  await writeFile(join(folder, 'graphql/empty.graphql'), '')
  expect(await readSettings()).toBe('graphql/*.graphql')
})

test('an operation that is no GraphQL is told with its file, line and column', async () => {
  await writeFile(join(folder, 'graphql/topics.graphql'), 'query Topics { topics { id } }')
  await writeFile(join(folder, 'graphql/users.graphql'), `${'# users   \n'.repeat(40)}query Users {\n  users { id }\n`)
  await expect(readSettings()).rejects.toThrow('graphql/users.graphql:43:1: Syntax Error: Expected Name, found <EOF>.')
})

test('a schema that is no GraphQL, such as after a merge, is told with its line', async () => {
  await writeFile(join(folder, 'graphql/schema/viewer.graphql'), 'scalar uuid\n<<<<<<< HEAD\n')
  await expect(readSettings()).rejects.toThrow('graphql/schema/viewer.graphql:2:1: Syntax Error: Unexpected character')
})

const schemaOf = (id: string) => `
  type query_root { users(where: users_bool_exp): [users!]! }
  type users { id: ${id}, name: String }
  input users_bool_exp { id: Int, _or: [users_bool_exp!] }`

test('schemas of roles may differ in what can be null', async () => {
  await writeFile(join(folder, 'graphql/schema/editor.graphql'), schemaOf('uuid!'))
  await writeFile(join(folder, 'graphql/schema/viewer.graphql'), schemaOf('uuid'))
  expect(await readSettings()).toBe('graphql/*.graphql')
})

test('a schema that is older than another one is told, with what to do', async () => {
  await writeFile(join(folder, 'graphql/schema/editor.graphql'), schemaOf('Int!'))
  await writeFile(join(folder, 'graphql/schema/viewer.graphql'), schemaOf('bigint!'))
  await expect(readSettings()).rejects.toThrow(
    'graphql/schema/editor.graphql and graphql/schema/viewer.graphql give users.id different types (Int, bigint), so one is out of date: run "npm run -s cli -- schema pull" with --role for both',
  )
})
