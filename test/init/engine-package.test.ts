import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { findNodeProblem, readEngineManifest } from '../../src/init/engine-package.ts'
import { projectFolder } from '../docs/markdown.ts'

test.each([
  [{ node: '22.15.0' }, { found: 'This is Node 22.15.0', remedy: 'install Node 24 or later' }],
  [{ node: '24.0.0' }, undefined],
  [{ node: '100.1.0' }, undefined],
  // Bun calls itself Node, where there is none, for a script that begins with #!/usr/bin/env node.
  [
    { node: '24.3.0', bun: '1.4.5' },
    { found: 'This is Bun 1.4.5', remedy: 'run it on Node 24 or later' },
  ],
])('%j: %j', (versions, problem) => {
  expect(findNodeProblem({ engines: { node: '>=24' } }, versions, true)).toEqual(problem)
})

test('a Node without WebAssembly is refused', () => {
  expect(findNodeProblem({ engines: { node: '>=24' } }, { node: '24.0.0' }, false)).toEqual({
    found: 'This Node has no WebAssembly, which reading TypeScript and sending requests need',
    remedy: 'start it without --jitless, where programs may write code (systemd: without MemoryDenyWriteExecute)',
  })
})

test.each(['packages/client/', 'docs/'])(
  'an engine in a bundle, next to %s, says that it must not be in one',
  async path => {
    await expect(readEngineManifest(pathToFileURL(join(projectFolder, path)))).rejects.toThrow(
      /\/package\.json is not the package\.json of hasura-sync-worker, which cannot be bundled: run it from node_modules/,
    )
  },
)

test('an engine that was published under another name, as a registry of a company wants it, is one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-published-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const own = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'))
  const version = '3.2.1-acme'
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...own, name: '@acme/hasura-sync-worker', version }))
  expect(await readEngineManifest(pathToFileURL(`${folder}/`))).toMatchObject({ version })
})

/** What Node 20 doesn't have, of the modules that the engine uses (https://nodejs.org/docs/latest-v20.x/api/). */
const tooNew = [
  'registerHooks',
  'enableCompileCache',
  'findPackageJSON',
  'stripTypeScriptTypes',
  'getCallSites',
  'glob',
]

test('an older Node gets as far as the check of its version', () => {
  const imported = globSync('src/**/*.ts', { cwd: projectFolder }).flatMap(path =>
    [...readFileSync(join(projectFolder, path), 'utf8').matchAll(/^import \{([^}]*)\} from 'node:[\w/]+'$/gm)].flatMap(
      ([, names = '']) => names.split(',').map(name => name.trim().replace(/ as .*/, '')),
    ),
  )
  expect(imported).toContain('readFile')
  expect(imported.filter(name => tooNew.includes(name))).toEqual([])
})

/** The packages that a file loads at once, itself or through others. */
function packagesOf(path: string, seen = new Set<string>()): readonly string[] {
  if (seen.has(path)) return []
  seen.add(path)
  // Examples in comments import the engine by its name.
  const code = readFileSync(path, 'utf8').replaceAll(/^\/\*\*.*?\*\/$/gms, '')
  const imports = code.matchAll(/^(?:import|export) (?!type )[^;']*? from '([^']+)'$/gm)
  return [...imports].flatMap(([, from = '']) => {
    if (from.startsWith('node:')) return []
    return from.startsWith('.') ? packagesOf(join(dirname(path), from), seen) : [from]
  })
}

test('before the check no package is loaded that needs a recent Node, such as undici', () => {
  expect(new Set(packagesOf(join(projectFolder, 'src/main.ts')))).toEqual(
    new Set(['@opentelemetry/api', 'pino', 'zod']),
  )
})
