import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findJobNames, nameJob } from '../../src/add/job-names.ts'
import { writeFiles } from '../../src/add/write-files.ts'
import { ConfigError } from '../../src/errors.ts'
import { findRoleProblem, schemaFileName } from '../../src/hasura/role-name.ts'

let around: string
let project: string
beforeEach(async () => {
  around = await realpath(await mkdtemp(join(tmpdir(), 'paths-')))
  project = join(around, 'project')
  await mkdir(join(project, 'graphql/schema'), { recursive: true })
})
afterEach(() => rm(around, { recursive: true }))

const paths = async () => (await readdir(around, { recursive: true })).toSorted()

const anyName = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '../../../X',
    '..',
    '.',
    '/etc/passwd',
    'a/../../b',
    '..\\..\\x',
    'con',
    'nul.x',
    '.git',
    'x\0y',
    '%2e%2e/',
    '',
  ),
  fc
    .array(fc.constantFrom('..', '/', '.', 'a', '\\', '%', '\u202e', ' ', '~'), { maxLength: 9 })
    .map(parts => parts.join('')),
)

test('a role’s schema is one file in its folder, or the role is refused, whatever its name', async () => {
  await fc.assert(
    fc.asyncProperty(anyName, async role => {
      if (findRoleProblem(role) !== undefined) return
      const before = await paths()
      const name = schemaFileName(role)
      await writeFiles(project, [{ path: `graphql/schema/${name}`, content: 'sdl' }])
      expect(await paths()).toEqual([...before, `project/graphql/schema/${name}`].toSorted())
      await rm(join(project, 'graphql/schema', name))
    }),
    { numRuns: 100 },
  )
})

test('whatever a root field or a job is called, its files are in their folders', () => {
  const isInPlace = /^(?:graphql\/[a-z0-9][a-z0-9-]*\.graphql|src\/jobs\/[a-z][a-z0-9-]*\.ts)$/
  fc.assert(
    fc.property(anyName, name => {
      for (const names of [nameJob(name), findJobNames(name).next().value]) {
        for (const path of names ? [names.operationFile, names.jobFile] : []) expect(path).toMatch(isInPlace)
      }
    }),
  )
})

test.each([
  '../outside',
  'graphql/../../outside',
  'graphql/./x',
  '/outside',
  'graphql//x',
  'graphql/',
  '',
  '..',
  'graphql\\..\\..\\outside',
  'graphql/x\0',
  'graphql/x\n',
  `graphql/${'x'.repeat(256)}`,
])('a path that is none below the project is refused with all files beside it: %j', async path => {
  const before = await paths()
  const written = writeFiles(project, [
    { path: 'graphql/fine.graphql', content: '' },
    { path, content: '' },
  ])
  await expect(written).rejects.toBeInstanceOf(ConfigError)
  expect(await paths()).toEqual(before)
})

test('a link out of the project is not followed, and one in place of a file is replaced', async () => {
  await mkdir(join(around, 'outside'))
  await symlink(join(around, 'outside'), join(project, 'linked'))
  await symlink('graphql', join(project, 'inside'))
  for (const path of ['linked/x', 'linked/new/x']) {
    await expect(writeFiles(project, [{ path, content: '' }])).rejects.toThrow('outside of')
  }
  await writeFile(join(around, 'outside/target'), 'untouched')
  await symlink(join(around, 'outside/target'), join(project, 'graphql/x'))
  await writeFiles(project, [{ path: 'inside/x', content: 'new' }])
  expect(await readdir(join(around, 'outside'))).toEqual(['target'])
  expect(await readFile(join(around, 'outside/target'), 'utf8')).toBe('untouched')
  expect(await readFile(join(project, 'graphql/x'), 'utf8')).toBe('new')
})

test('two roles that only the case of their letters tells apart are refused on every machine', async () => {
  const files = ['Viewer', 'viewer'].map(role => ({ path: `graphql/schema/${schemaFileName(role)}`, content: role }))
  await expect(writeFiles(project, files)).rejects.toThrow('are the same file on macOS and Windows')
  const [one, other] = files
  await writeFiles(project, one ? [one, { ...one, path: 'graphql/x' }] : [])
  await expect(writeFiles(project, other ? [other] : [])).rejects.toThrow('Viewer.graphql are the same file')
  await writeFiles(project, one ? [one] : [])
})
