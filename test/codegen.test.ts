import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codegen-'))
  await mkdir(join(folder, 'graphql'))
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
