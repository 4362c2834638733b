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
  ['8.13.1', '8.13.1', false],
  // A later release of the same major version, such as one that mends a vulnerability.
  ['8.13.1', '8.14.0', false],
  ['8.13.1', '9.0.0', true],
  ['8.13.1', '6.28.0', true],
  ['4.6.7', '4.0.15', true],
  ['4.6.7', '4.6.6', true],
  ['4.6.7', '4.6.7-beta.1', false],
  ['0.29.9', '0.27.6', true],
  ['0.29.9', '0.30.0', true],
])('%s is replaced by %s: %s', async (needed, installed, isReplaced) => {
  await install('some-package', installed)
  const replaced = await findReplacedPackages({ dependencies: { 'some-package': needed } }, resolve)
  expect(replaced).toEqual(isReplaced ? [{ name: 'some-package', needed, installed }] : [])
})

test('a scoped package is found, and a missing one is left to its import', async () => {
  await install('@some/core', '1.0.0')
  const replaced = await findReplacedPackages({ dependencies: { '@some/core': '2.1.0', missing: '1.0.0' } }, resolve)
  expect(replaced).toEqual([{ name: '@some/core', needed: '2.1.0', installed: '1.0.0' }])
})

test('the sentence names the versions, and what replaces packages', () => {
  const replaced = [
    { name: 'zod', needed: '4.6.7', installed: '3.25.76' },
    { name: 'undici', needed: '8.13.1', installed: '6.28.0' },
  ]
  expect(renderExplanation(explainReplaced('They differ', replaced))).toBe(
    'They differ (zod 3.25.76 in place of 4.6.7, undici 6.28.0 in place of 8.13.1): install again, such as with npm ci; if "overrides" or "resolutions" in package.json of the project or its workspace replace them, let these give hasura-sync-worker its own zod 4.6.7, undici 8.13.1',
  )
})

describe('a checkout that was updated without its packages', () => {
  async function start() {
    const node = spawn(process.execPath, ['src/main.ts', '--version'], { cwd: folder })
    const [[code], out, err] = await Promise.all([once(node, 'exit'), text(node.stdout), text(node.stderr)])
    return { code, out, err }
  }

  beforeEach(async () => {
    const engine = fileURLToPath(new URL('../../', import.meta.url))
    await cp(join(engine, 'src'), join(folder, 'src'), { recursive: true })
    await symlink(join(engine, 'node_modules'), join(folder, 'node_modules'))
    const manifest = await readFile(join(engine, 'package.json'), 'utf8')
    await writeFile(join(folder, 'package.json'), manifest.replace(/("undici": )"[^"]+"/, '$1"99.0.0"'))
  })

  test('works where they suit, with a warning', async () => {
    expect(await start()).toEqual({
      code: 0,
      out: expect.stringMatching(/^\d/),
      err: expect.stringMatching(/^Warning: .* was tested with other packages .*\(undici \S+ in place of 99\.0\.0\)/),
    })
  })

  test('is refused where they don’t, with what to do', async () => {
    await writeFile(join(folder, 'src/cli/run-cli.ts'), "import { comesLater } from 'undici'\ncomesLater()\n")
    expect(await start()).toEqual({
      code: 2,
      out: '',
      err: expect.stringMatching(/can't work with the packages .*\(undici \S+ in place of 99\.0\.0\): install again/),
    })
  })
})
