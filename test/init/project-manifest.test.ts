import { expect, test } from 'vitest'
import type { EngineManifest } from '../../src/init/engine-package.ts'
import { renderManifest } from '../../src/init/project-manifest.ts'

const engine: EngineManifest = {
  version: '3.2.1',
  engines: { node: '>=24' },
  dependencies: { zod: '4.0.0', graphql: '16.0.0', pg: '8.0.0' },
  devDependencies: { typescript: '7.0.0', vitest: '5.0.0', knip: '6.0.0', 'oidc-provider': '9.1.0' },
  peerDependencies: { 'oidc-provider': '^9.1.0' },
  overrides: { 'msgpackr-extract': '1.0.0', 'oxc-parser': '0.1.0' },
  allowScripts: { b: false },
}
const render = (existing?: object, hasExec = true) => {
  const { content, leftAlone } = renderManifest(engine, 'mirror', existing && JSON.stringify(existing), hasExec)
  return { manifest: JSON.parse(content), leftAlone }
}

test('a new one has what a project needs, of the versions that the engine has, and nothing of the engine’s own', () => {
  const { manifest, leftAlone } = render()
  expect(manifest).toMatchObject({
    name: 'mirror',
    type: 'module',
    dependencies: { 'hasura-sync-worker': '^3.2.1', zod: '4.0.0', graphql: '16.0.0' },
    devDependencies: { typescript: '7.0.0', vitest: '5.0.0', 'oidc-provider': '^9.1.0' },
  })
  expect(manifest.overrides).toEqual({ 'msgpackr-extract': '1.0.0' })
  expect(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })).not.toContain('pg')
  expect(leftAlone).toEqual([])
})

test('one that is there keeps what it has, and what it would lack is told', () => {
  const { manifest, leftAlone } = render({
    name: 'ours',
    type: 'commonjs',
    scripts: { start: 'node ours.js', test: 'echo "Error: no test specified" && exit 1' },
    dependencies: { zod: '4.1.0', typescript: '6.0.0', 'hasura-sync-worker': 'file:here.tgz' },
    author: 'us',
  })
  expect(manifest).toMatchObject({
    name: 'ours',
    author: 'us',
    scripts: { start: 'node ours.js', test: 'vitest run', cli: 'exec hasura-sync-worker' },
    dependencies: { zod: '4.1.0', typescript: '6.0.0', 'hasura-sync-worker': 'file:here.tgz' },
    devDependencies: { vitest: '5.0.0' },
  })
  expect(manifest.devDependencies).not.toHaveProperty('typescript')
  expect(leftAlone).toEqual([
    'script "start" of package.json, which init would set to: exec hasura-sync-worker worker',
    '"type" of package.json, which must be "module" for the jobs to load',
    'typescript 6.0.0 of package.json, which init would set to: 7.0.0',
  ])
})

test.each([
  ['^3.25.0', true],
  ['~3.0.0', true],
  ['^4.9.0', false],
  ['4', false],
  ['catalog:', false],
  ['workspace:*', false],
])('that it keeps zod %s is told, if the engine was tested with another major version: %s', (zod, isTold) => {
  const { manifest, leftAlone } = render({ type: 'module', dependencies: { zod } })
  expect(manifest.dependencies.zod).toBe(zod)
  expect(leftAlone).toEqual(isTold ? [`zod ${zod} of package.json, which init would set to: 4.0.0`] : [])
})

test.each([['\t'], ['    '], ['  ']])('it keeps the indentation %j', indent => {
  const ours = { name: 'ours', type: 'module' }
  const { content } = renderManifest(engine, 'mirror', JSON.stringify(ours, undefined, indent), true)
  expect(content).toBe(`${JSON.stringify(JSON.parse(content), undefined, indent)}\n`)
})

test('its check needs no package manager', () => {
  expect(render().manifest.scripts.check).not.toContain('npm')
})

test('a package that the project depends on keeps its version, with which npm refuses an override', () => {
  expect(render({ devDependencies: { 'msgpackr-extract': '^2.0.0' } }).manifest.overrides).toEqual({})
})

test('a shell without exec runs its scripts', () => {
  expect(render(undefined, false).manifest.scripts).toMatchObject({
    start: 'hasura-sync-worker worker',
    cli: 'hasura-sync-worker',
  })
})

test('the second time there is nothing to change', () => {
  const { content } = renderManifest(engine, 'mirror', undefined, true)
  expect(renderManifest(engine, 'mirror', content, true)).toEqual({
    content,
    leftAlone: [],
    warning: undefined,
    startsWorker: true,
  })
})

test.each([
  ['', /^package\.json is not JSON \(Unexpected end .*\): correct it, or choose another folder$/],
  ['{"name": "x",}', /^package\.json is not JSON \(.* at position 13 .*\): correct it/],
  ['7', /^package\.json is not that of a project \(package\.json: .*expected object, .*\): correct it/],
  ['{"scripts": "none"}', /^package\.json is not that of a project \(scripts: .*\): correct it/],
  ['{"dependencies": []}', /^package\.json is not that of a project \(dependencies: .*\): correct it/],
])('%j is refused, with what is wrong', (existing, sentence) => {
  expect(() => renderManifest(engine, 'mirror', existing, true)).toThrow(sentence)
})

test("the engine doesn't become a dependency of itself", () => {
  expect(() => renderManifest(engine, 'mirror', '{"name":"hasura-sync-worker"}', true)).toThrow(
    'package.json has the name of the engine, hasura-sync-worker: give your project another name; a checkout of the engine has all of a project already',
  )
})

test('a byte order mark is left out, as npm does', () => {
  const { content } = renderManifest(engine, 'mirror', '\uFEFF{"name":"ours"}', true)
  expect(JSON.parse(content)).toMatchObject({ name: 'ours', type: 'module' })
})

test.each([
  ['{"name":"ours"}', 'rename .js files that use require to .cjs'],
  ['{"name":"ours","type":"module"}', undefined],
  [undefined, undefined],
])('a project %s that becomes one of modules is told', (existing, told) => {
  const { warning } = renderManifest(engine, 'mirror', existing, true)
  if (told === undefined) expect(warning).toBeUndefined()
  else expect(warning).toContain(told)
})

const byNpm = { name: 'ours', type: 'commonjs', scripts: { test: 'echo "Error: no test specified" && exit 1' } }

test('the type that npm init writes is nobody’s choice', () => {
  const { content, leftAlone, warning } = renderManifest(engine, 'mirror', JSON.stringify(byNpm), true)
  expect(JSON.parse(content).type).toBe('module')
  expect(leftAlone).toEqual([])
  expect(warning).toContain('is now "module"')
})

test.each([[{ name: 'ours' }], [byNpm]])(
  'a program that is compiled doesn’t become one of modules, and that it must is told: %j',
  ours => {
    const { content, leftAlone, warning } = renderManifest(engine, 'mirror', JSON.stringify(ours), true, true)
    expect(JSON.parse(content).type).toBe('type' in ours ? ours.type : undefined)
    expect(leftAlone).toEqual(['"type" of package.json, which must be "module" for the jobs to load'])
    expect(warning).toBeUndefined()
  },
)

test.each([
  ['nest start', false],
  ['exec hasura-sync-worker worker', true],
])('whether the script "%s" starts the worker: %s', (start, expected) => {
  expect(renderManifest(engine, 'mirror', JSON.stringify({ scripts: { start } }), true).startsWorker).toBe(expected)
})
