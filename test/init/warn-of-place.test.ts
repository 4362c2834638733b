import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { initProject } from '../../src/init/init-project.ts'
import { run } from '../cli/run-command.ts'

const engine = new URL('../../', import.meta.url)

let repository = ''
let folder = ''
beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'repository-'))
  folder = join(repository, 'packages/mirror')
  await mkdir(folder, { recursive: true })
})
afterEach(() => rm(repository, { recursive: true, force: true }))

const warn = async (): Promise<readonly string[]> => (await initProject(engine, folder)).warnings

test('a project of its own that npm installs gets no warning', async () => {
  await writeFile(join(folder, 'package-lock.json'), '')
  await mkdir(join(folder, '.git'))
  expect(await warn()).toEqual([])
})

test('with pnpm it says what goes elsewhere, once', async () => {
  await writeFile(join(folder, 'pnpm-lock.yaml'), '')
  expect(await warn()).toEqual([
    'Put "allowBuilds: { msgpackr-extract: false }" into pnpm-workspace.yaml: else "pnpm install" ends with ERR_PNPM_IGNORED_BUILDS',
    'Where documents run a command with npm, use "pnpm run cli <command>": npm refuses a project whose devEngines names another package manager',
    '.github/workflows/check.yml and Dockerfile install with npm: change them to pnpm, and .dockerignore to let its lock file through',
  ])
  expect(await warn()).toEqual([])
})

test('nothing is said of install scripts of which a workspace of pnpm has decided', async () => {
  await writeFile(
    join(repository, 'pnpm-workspace.yaml'),
    'packages: [packages/*]\nallowBuilds: { msgpackr-extract: true }\n',
  )
  expect((await warn()).join()).not.toContain('allowBuilds')
})

test('the next steps are those of the package manager', async () => {
  await writeFile(
    join(folder, 'package.json'),
    '{"type":"module","devEngines":{"packageManager":{"name":"pnpm","version":"^11.0.0","onFail":"download"}}}',
  )
  expect((await run({}, 'init', folder)).out).toMatch(
    / {2}pnpm install\n.* {2}pnpm run cli doctor\n {2}pnpm run cli add <table>\n {2}pnpm start\n$/s,
  )
})

test('in a workspace it says what counts only in its root', async () => {
  await writeFile(join(repository, 'package.json'), '{"workspaces":["packages/*"]}')
  expect(await warn()).toEqual([
    `If the project is a member of the workspace in ${repository}, its lock file is there: build the image from there, or let the Dockerfile copy it`,
  ])
})

test('in a folder of a repository it says where GitHub looks for workflows', async () => {
  await mkdir(join(repository, '.git'))
  expect(await warn()).toEqual([
    `GitHub runs only workflows at the top of the repository: move .github/workflows/check.yml to ${join(repository, '.github/workflows/check.yml')}, and let its commands run in packages/mirror`,
  ])
})

describe('inside a program of TypeScript', () => {
  test.each([
    // As Next.js writes it.
    '{"include":["next-env.d.ts","**/*.ts","**/*.tsx"],"exclude":["node_modules"]}',
    '{ // everything\n  "compilerOptions": {} }',
    '{"include":["./packages"]}',
    '{"include":["packages/*/src/**/*"]}',
    '{"include":["**/*.ts"],"exclude":["packages/web/dist","**/*.spec.ts"]}',
  ])('that would compile the project, it says what to exclude: %s', async config => {
    await writeFile(join(repository, 'tsconfig.json'), config)
    expect(await warn()).toEqual([
      `A compiler that reads ${repository}/tsconfig.json, as "next build" does, also checks packages/mirror, which needs the settings of its own tsconfig.json: add "packages/mirror" to "exclude" there`,
    ])
    expect(await warn()).toEqual([])
  })

  test.each([
    '{"include":["src"]}',
    '{"include":["packages/web/**/*"]}',
    '{"exclude":["**/mirror/**"]}',
    '{"exclude":["packages/*"]}',
    '{"files":[],"references":[{"path":"packages/mirror"}]}',
    '{"include":["**/*.ts"],"exclude":["node_modules","packages"]}',
  ])('that leaves it out, nothing is said: %s', async config => {
    await writeFile(join(repository, 'tsconfig.json'), config)
    expect(await warn()).toEqual([])
  })
})
