import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { renderExplanation } from '../../src/explanation.ts'
import { explainReplaced, findReplacedPackages, hasOtherMajor } from '../../src/init/replaced-packages.ts'

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
  ['8.13.1', '9.0.0', 'other major'],
  ['8.13.1', '6.28.0', 'other major'],
  ['4.6.7', '4.0.15', 'older'],
  ['4.6.7', '4.6.6', 'older'],
  ['4.6.7', '4.6.7-beta.1', undefined],
  ['0.29.9', '0.27.6', 'other major'],
  ['0.29.9', '0.30.0', 'other major'],
])('%s is replaced by %s: %s', async (needed, installed, expected) => {
  await install('some-package', installed)
  const replaced = await findReplacedPackages({ dependencies: { 'some-package': needed } }, resolve)
  expect(replaced.map(each => (hasOtherMajor(each) ? 'other major' : 'older'))[0]).toBe(expected)
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
  expect(renderExplanation(explainReplaced(replaced))).toBe(
    `hasura-sync-worker can't work with the packages that are installed for it (zod 3.25.76 in place of 4.6.7, undici 6.28.0 in place of 8.13.1): let "overrides" or "resolutions" in package.json of the project or its workspace give hasura-sync-worker its own zod 4.6.7, undici 8.13.1, and install again`,
  )
})
