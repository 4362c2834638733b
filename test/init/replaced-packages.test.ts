import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { renderExplanation } from '../../src/explanation.ts'
import { explainReplaced, findReplacedPackages } from '../../src/init/replaced-packages.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-replaced-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function install(name: string, version: string): Promise<void> {
  await mkdir(join(folder, name, 'dist'), { recursive: true })
  await writeFile(join(folder, name, 'package.json'), JSON.stringify({ name, version }))
  // Such a file says what kind of modules a folder has.
  await writeFile(join(folder, name, 'dist/package.json'), JSON.stringify({ type: 'module' }))
}

const resolve = (name: string) => {
  if (name === 'missing') throw new Error('Cannot find package')
  return pathToFileURL(join(folder, name, 'dist/index.js')).href
}

test.each([
  ['8.13.1', '8.13.1', undefined],
  // A later release of the same major version, such as one that mends a vulnerability.
  ['8.13.1', '8.14.0', undefined],
  ['8.13.1', '9.0.0', 'other'],
  ['8.13.1', '6.28.0', 'outdated'],
  ['4.6.7', '4.0.15', 'other'],
  ['4.6.7', '4.6.6', 'other'],
  ['4.6.7', '4.6.7-beta.1', undefined],
  ['0.29.9', '0.27.6', 'outdated'],
  ['0.29.9', '0.30.0', 'other'],
])('%s is replaced by %s: %s', async (needed, installed, difference) => {
  await install('some-package', installed)
  const replaced = await findReplacedPackages({ dependencies: { 'some-package': needed } }, resolve)
  const isOutdated = difference === 'outdated'
  expect(replaced).toEqual(difference ? [{ name: 'some-package', needed, installed, isOutdated }] : [])
})

test('a scoped package is found, and a missing one is left to its import', async () => {
  await install('@some/core', '1.0.0')
  const replaced = await findReplacedPackages({ dependencies: { '@some/core': '2.1.0', missing: '1.0.0' } }, resolve)
  expect(replaced).toEqual([{ name: '@some/core', needed: '2.1.0', installed: '1.0.0', isOutdated: true }])
})

test('the sentence names the versions, and what replaces packages', () => {
  const replaced = [
    { name: 'zod', needed: '4.6.7', installed: '3.25.76', isOutdated: true },
    { name: 'undici', needed: '8.13.1', installed: '6.28.0', isOutdated: true },
  ]
  expect(renderExplanation(explainReplaced('They differ', replaced))).toBe(
    'They differ (zod 3.25.76 in place of 4.6.7, undici 6.28.0 in place of 8.13.1): install again, such as with npm ci; if "overrides" or "resolutions" in package.json of the project or its workspace replace them, let these give hasura-sync-worker its own zod 4.6.7, undici 8.13.1',
  )
})

describe('a checkout that was updated without its packages', () => {
  async function start(...command: string[]) {
    const env = { TOKEN_URL: 'https://idp.example', CLIENT_ID: 'x', CLIENT_SECRET: 'x' }
    const node = spawn(process.execPath, ['src/main.ts', ...command], { cwd: folder, env })
    const [[code], out, err] = await Promise.all([once(node, 'exit'), text(node.stdout), text(node.stderr)])
    return { code, out, err }
  }

  beforeEach(async () => {
    const engine = fileURLToPath(new URL('../../', import.meta.url))
    await cp(join(engine, 'src'), join(folder, 'src'), { recursive: true })
    await symlink(join(engine, 'node_modules'), join(folder, 'node_modules'))
  })

  async function need(undici: string) {
    const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
    await writeFile(join(folder, 'package.json'), manifest.replace(/("undici": )"[^"]+"/, `$1"${undici}"`))
  }

  test('works where they suit, with a warning in its log', async () => {
    await need('8.99.0')
    const { code, err } = await start('schema', 'operations')
    expect(JSON.parse(err.split('\n')[0] ?? '')).toMatchObject({
      level: 'warn',
      msg: expect.stringMatching(/ was tested with other packages .*\(undici \S+ in place of 8\.99\.0\)/),
    })
    expect(code).toBe(0)
  })

  test.each([
    ['99.0.0', 'whose API is older', ''],
    ['7.0.0', 'which can’t be loaded', "import { comesLater } from 'undici'\ncomesLater()\n"],
  ])('is refused with another version than %s, %s, with what to do', async (needed, _why, source) => {
    await need(needed)
    if (source !== '') await writeFile(join(folder, 'src/cli/run-cli.ts'), source)
    const told = new RegExp(`can't work with the packages .*\\(undici \\S+ in place of ${needed}\\): install again`)
    expect(await start('--version')).toEqual({ code: 2, out: '', err: expect.stringMatching(told) })
  })
})
