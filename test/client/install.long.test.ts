import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createHttp } from '../../src/http/create-http.ts'
import { projectFolder } from '../docs/markdown.ts'
import { letIn } from '../fixtures/let-in.ts'
import { openTestApp } from '../fixtures/open-test-app.ts'

const execute = promisify(execFile)
const packed = z.tuple([z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })])

let folder = ''
let files: readonly string[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-'))
  const workspace = '--workspace=packages/client'
  await execute('npm', ['run', '-s', 'build', workspace], { cwd: projectFolder })
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, workspace]
  const [{ filename, files: inside }] = packed.parse(
    JSON.parse((await execute('npm', pack, { cwd: projectFolder })).stdout),
  )
  files = inside.map(({ path }) => path)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'shop', private: true, type: 'module' }))
  await execute('npm', ['install', '--no-audit', '--no-fund', join(folder, filename)], { cwd: folder })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const program = `
import { createClient } from 'hasura-sync-worker-client'
import type { jobs } from './jobs.ts'

const worker = createClient<typeof jobs>({ url: process.argv[2] ?? '', token: 'any' })
const { state } = await worker.wait(await worker.request('sync-topics', { full: true }))
console.log(state)
`
/** What a project's list is to the compiler. */
const jobs = `
export declare const jobs: readonly [
  { readonly name: 'sync-topics'; readonly payload: { readonly _zod: { readonly input: { full?: boolean } } } },
]
`

test('it depends on nothing, and makes a request of a worker from an empty project', async () => {
  const { stdout } = await execute('npm', ['ls', '--all', '--parseable'], { cwd: folder })
  expect(stdout.trim().split('\n')).toHaveLength(2)
  await writeFile(join(folder, 'jobs.ts'), jobs)
  await writeFile(join(folder, 'shop.ts'), program)
  const types = join(projectFolder, 'node_modules/@types')
  await symlink(types, join(folder, 'node_modules/@types'))
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node']
  const compiling = execute(
    join(projectFolder, 'node_modules/.bin/tsc'),
    [...options, '--allowImportingTsExtensions', 'shop.ts'],
    { cwd: folder },
  )
  expect(await compiling.catch(error => ({ stdout: String(error.stdout) }))).toMatchObject({ stdout: '' })

  await using app = await openTestApp()
  const http = createHttp({ operations: app.operations, authorize: letIn, log: app.logged.log })
  try {
    const url = await http.listen({ host: '127.0.0.1', port: 0 })
    await using _serving = await app.serve()
    expect((await execute(process.execPath, ['shop.ts', url], { cwd: folder })).stdout).toBe('done\n')
  } finally {
    await http.close()
  }
})

test('it is small, and holds JavaScript, types and maps', async () => {
  expect(new Set(files.map(path => path.replace(/^dist\/.*?(?=\.)/, 'dist/*')))).toEqual(
    new Set(['LICENSE', 'README.md', 'package.json', 'dist/*.js', 'dist/*.js.map', 'dist/*.d.ts', 'dist/*.d.ts.map']),
  )
  const bundled = await build({
    root: folder,
    logLevel: 'silent',
    build: {
      write: false,
      modulePreload: false,
      rollupOptions: {
        input: join(folder, 'node_modules/hasura-sync-worker-client/dist/index.js'),
        preserveEntrySignatures: 'strict',
      },
    },
  })
  const [output] = [bundled].flat()
  const sizes =
    output && 'output' in output ? output.output.map(chunk => ('code' in chunk ? chunk.code.length : 0)) : []
  expect(sizes).toEqual([expect.any(Number)])
  expect(sizes[0]).toBeGreaterThan(2_000)
  expect(sizes[0]).toBeLessThanOrEqual(12_000)
})
