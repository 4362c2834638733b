import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hasPackages, installPackages, requireNpm } from '../../src/init/install-packages.ts'
import { findPackageManager, hasOwnShell } from '../../src/init/package-manager.ts'
import { run } from '../cli/run-command.ts'

let workspace = ''
let folder = ''
beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'workspace-'))
  folder = join(workspace, 'packages/mirror')
  await mkdir(folder, { recursive: true })
})
afterEach(() => rm(workspace, { recursive: true, force: true }))

async function put(path: string, content = ''): Promise<void> {
  await mkdir(dirname(join(workspace, path)), { recursive: true })
  await writeFile(join(workspace, path), content)
}

const codegen = 'node_modules/@graphql-codegen/cli/package.json'
const engine = 'node_modules/hasura-sync-worker/package.json'

describe('packages are installed', () => {
  test.each([
    ['in the folder', [`packages/mirror/${codegen}`]],
    ['in the workspace that it is in', [codegen, engine]],
    ["in Yarn's archives", ['.pnp.cjs']],
  ])('%s', async (_where, paths) => {
    expect(hasPackages(folder)).toBe(false)
    for (const path of paths) await put(path)
    expect(hasPackages(folder)).toBe(true)
  })

  test('not by another project above it', async () => {
    await put(codegen)
    expect(hasPackages(folder)).toBe(false)
  })
})

describe('the package manager', () => {
  test.each([
    ['packages/mirror/pnpm-lock.yaml', '', 'pnpm'],
    ['yarn.lock', '', 'yarn'],
    ['bun.lock', '', 'bun'],
    ['bun.lockb', '', 'bun'],
    ['pnpm-workspace.yaml', '', 'pnpm'],
    ['packages/mirror/npm-shrinkwrap.json', '', 'npm'],
    ['package.json', '{"packageManager":"pnpm@10.2.0+sha512.abc"}', 'pnpm'],
    ['packages/package.json', '{"packageManager":"yarn@4.9.0"}', 'yarn'],
    ['package-lock.json', '', 'npm'],
    ['package.json', '{"packageManager":"npm@11.0.0"}', 'npm'],
    ['package.json', '{"devEngines":{"packageManager":{"name":"pnpm","version":"^10.2.0"}}}', 'pnpm'],
  ])('is told by %s', async (path, content, name) => {
    await put(path, content)
    expect(await findPackageManager(folder)).toBe(name)
  })

  test.each(['{', '{"packageManager":7}', '{"packageManager":"other@1.0.0"}'])(
    'is that of the lock file when package.json is %s',
    async content => {
      await put('packages/mirror/package.json', content)
      await put('packages/mirror/pnpm-lock.yaml')
      expect(await findPackageManager(folder)).toBe('pnpm')
    },
  )

  test('is that of the nearest folder', async () => {
    await put('yarn.lock')
    await put('packages/mirror/package-lock.json')
    expect(await findPackageManager(folder)).toBe('npm')
    await expect(requireNpm(folder)).resolves.toBeUndefined()
  })
})

test.each([
  ['npm', 'pnpm-workspace.yaml', 'shellEmulator: true', false],
  ['yarn', 'yarn.lock', '', true],
  ['pnpm', 'pnpm-workspace.yaml', 'packages: [packages/*]\nshellEmulator: true\n', true],
  ['pnpm', 'packages/mirror/.npmrc', '# for Windows\nshell-emulator = true', true],
  ['pnpm', 'pnpm-workspace.yaml', 'shellEmulator: false', false],
] as const)('%s with %s of %j runs scripts in a shell of its own: %s', async (manager, path, content, isOwn) => {
  await put(path, content)
  expect(await hasOwnShell(folder, manager)).toBe(isOwn)
})

test('npm installs what develops a project where NODE_ENV is production', async () => {
  await put('tool/package.json', '{"name":"tool","version":"1.0.0"}')
  await put('package.json', '{"devDependencies":{"tool":"file:./tool"}}')
  await installPackages(workspace, { ...process.env, NODE_ENV: 'production' }, new AbortController().signal)
  expect(existsSync(join(workspace, 'node_modules/tool/package.json'))).toBe(true)
})

test('npm installs nothing into a project of another package manager', async () => {
  await put('pnpm-lock.yaml')
  const env = {
    OIDC_ISSUER: 'https://keycloak.example/realms/wiki',
    CLIENT_ID: 'sync-worker',
    CLIENT_SECRET: 'secret',
    HASURA_URL: 'https://hasura.example/v1/graphql',
  }
  expect((await run({}, 'init', folder)).out).toContain('\n  pnpm install\n')
  const { code, err } = await run(env, 'init', folder, '--from-env')
  expect(err).toContain('install the packages with pnpm, then run this command again')
  expect(err).not.toContain('Installing packages')
  expect(code).toBe(2)
})
