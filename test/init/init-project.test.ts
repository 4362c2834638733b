import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { initProject } from '../../src/init/init-project.ts'
import { run } from '../cli/run-command.ts'
import { readDocument } from '../docs/markdown.ts'

const engine = new URL('../../', import.meta.url)

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'init-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const read = (path: string) => readFile(join(folder, path), 'utf8')

test('writes a project, without any configuration', async () => {
  const { code, out } = await run({}, 'init', folder)
  expect(code).toBe(0)
  for (const path of [
    'codegen.ts',
    'src/jobs/list.ts',
    '.gitignore',
    '.gitattributes',
    '.github/workflows/check.yml',
    'package.json',
  ]) {
    expect(out).toContain(`  ${path}\n`)
    expect(await read(path)).not.toBe('')
  }
})

test('makes the folder', async () => {
  const { written } = await initProject(engine, join(folder, 'new/project'))
  expect(await readFile(join(folder, 'new/project', written[0] ?? ''), 'utf8')).not.toBe('')
})

test.each([['link'], ['link/below']])('cannot make the folder %s, and says why', async name => {
  await symlink('nowhere', join(folder, 'link'))
  const { code, err } = await run({}, 'init', join(folder, name))
  expect([code, err]).toEqual([
    2,
    `Nothing could be written to ${join(folder, name)}, because it, or a part of its path, does not exist (ENOENT): correct the path\n`,
  ])
  expect(await readdir(folder)).toEqual(['link'])
})

test.runIf(process.platform === 'linux')('ends where the kernel makes no folders, as below /proc', async () => {
  const { code, err } = await run({}, 'init', '/proc/nowhere')
  expect([code, err]).toEqual([
    2,
    expect.stringMatching(/^Nothing could be written to .* \(ENOENT\): correct the path$/m),
  ])
})

test('overwrites nothing, and says so', async () => {
  await writeFile(join(folder, 'README.md'), 'ours')
  const { written, leftAlone } = await initProject(engine, folder)
  expect(leftAlone).toEqual(['README.md'])
  expect(written).not.toContain('README.md')
  expect(await read('README.md')).toBe('ours')
  expect(await initProject(engine, folder)).toEqual({
    written: [],
    leftAlone: ['README.md'],
    warnings: [],
    startsWorker: true,
  })
})

test.each([['hasura-sync-worker'], ['graphql']])('a folder called %s makes no package of that name', async name => {
  await initProject(engine, join(folder, name))
  expect(JSON.parse(await read(join(name, 'package.json')))).toMatchObject({ name: `${name}-jobs` })
  expect(await initProject(engine, join(folder, name))).toEqual({
    written: [],
    leftAlone: [],
    warnings: [],
    startsWorker: true,
  })
})

test('what an existing .gitignore lets into the repository is told', async () => {
  await writeFile(join(folder, '.gitignore'), '# ours\r\n/node_modules\r\n.env\n**/*.log\n.data/**\n')
  const { warnings } = await initProject(engine, folder)
  expect(warnings).toEqual([
    '.gitignore lacks .add-*/, secret, secrets/: add them unless other lines cover them, so that no secret and no mirrored row gets into the repository',
  ])
  await appendFile(join(folder, '.gitignore'), 'secret\nsecrets\n.add-*\n')
  expect((await initProject(engine, folder)).warnings).toEqual([])
})

test('a checkout with the line ends of Windows differs in nothing', async () => {
  await initProject(engine, folder)
  await writeFile(join(folder, 'Dockerfile'), (await read('Dockerfile')).replaceAll('\n', '\r\n'))
  expect(await initProject(engine, folder)).toMatchObject({ written: [], leftAlone: [] })
})

test('a job changes the list and the generated types, and no later init tells that', async () => {
  await initProject(engine, folder)
  for (const path of ['src/jobs/list.ts', 'src/generated/gql.ts']) await appendFile(join(folder, path), '// changed\n')
  expect(await initProject(engine, folder)).toEqual({ written: [], leftAlone: [], warnings: [], startsWorker: true })
})

test('types that another program generates are told as kept, since codegen would replace them', async () => {
  await mkdir(join(folder, 'src/generated'), { recursive: true })
  await writeFile(join(folder, 'src/generated/graphql.ts'), 'export type Order = { id: string }')
  expect(await initProject(engine, folder)).toMatchObject({
    leftAlone: ['src/generated/graphql.ts'],
    warnings: [expect.stringContaining('give the jobs a folder of their own')],
  })
})

test.each([['index.ts'], ['gql.ts'], ['graphql.ts']])(
  'codegen has nothing to change in %s of a project without operations, so its first CI run passes',
  async name => {
    await initProject(engine, folder)
    expect(await read(`src/generated/${name}`)).toBe(readDocument(`src/generated/${name}`))
  },
)

test('its codegen is that of a checkout', async () => {
  await initProject(engine, folder)
  expect(await read('codegen.ts')).toBe(readDocument('codegen.ts'))
})

test('a program that is there keeps working: its modules, its compose file, its start', async () => {
  await writeFile(join(folder, 'package.json'), '{"name":"shop","scripts":{"start":"nest start"}}')
  await writeFile(join(folder, 'tsconfig.json'), '{"compilerOptions":{"module":"commonjs"}}')
  await writeFile(join(folder, 'docker-compose.yml'), 'services: {}')
  const { code, out } = await run({}, 'init', folder)
  expect(code).toBe(0)
  expect(JSON.parse(await read('package.json'))).not.toHaveProperty('type')
  expect(await readdir(folder)).not.toContain('compose.yaml')
  expect(out).toContain('Docker Compose would start it in place of docker-compose.yml')
  expect(out).toContain('give the jobs a folder of their own')
  expect(out).toMatch(/\n {2}npm run -s cli -- worker\n$/)

  // The second time nothing is written, and the program is left alone as well.
  expect(await initProject(engine, folder)).toMatchObject({ written: [], warnings: [] })
})
