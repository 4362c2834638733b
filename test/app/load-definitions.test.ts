import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { loadDefinitions } from '../../src/app/load-definitions.ts'
import { type Ended, start } from '../cli/run-command.ts'
import { projectFolder } from '../docs/markdown.ts'
import { copyProject } from '../fixtures/copy-project.ts'
import { openDataDir } from '../fixtures/data-dir.ts'

const job = `{ name: 'a', payload: { safeParse() {} }, run() {} }`

/** Job lists that can't be used, and what is said of each; each stands in a project of its own. */
const broken: Readonly<Record<string, readonly [source: string, said: RegExp]>> = {
  'a file that is not there': [
    `import { x } from './nope.ts'\nexport const jobs = [x]`,
    /^The jobs can't be loaded: src\/jobs\/list\.ts imports src\/jobs\/nope\.ts, which does not exist: add this file, or correct the import\.$/,
  ],
  'a file that is not there without its ending': [
    `import { x } from './nope'\nexport const jobs = [x]`,
    /src\/jobs\/list\.ts imports src\/jobs\/nope, which does not exist: .*, which must end with "\.ts"\.$/,
  ],
  'a file without its ending': [
    `import { x } from './ok'\nexport const jobs = [x]`,
    /src\/jobs\/list\.ts imports src\/jobs\/ok, which does not exist: end the path with "\.ts", because Node takes the ending/,
  ],
  'a file by the ending of JavaScript': [
    `import { x } from './ok.js'\nexport const jobs = [x]`,
    /src\/jobs\/list\.ts imports src\/jobs\/ok\.js, which does not exist: end the path with "\.ts", because Node takes the ending/,
  ],
  'a generated file by the ending of JavaScript': [
    `import { Other } from '../generated/graphql.js'\nexport const jobs = [Other]`,
    /list\.ts imports src\/generated\/graphql\.js, which does not exist: end the path with "\.ts", because Node/,
  ],
  'a generated file that is not there': [
    `import { Other } from '../generated/other.ts'\nexport const jobs = [Other]`,
    /list\.ts imports src\/generated\/other\.ts, which does not exist: run "npm run codegen", which generates it/,
  ],
  'a package that is not installed': [
    `import { x } from 'nopackage'\nexport const jobs = [x]`,
    /src\/jobs\/list\.ts imports the package "nopackage", which is not installed: run "npm install nopackage"/,
  ],
  'a path of tsconfig.json': [
    `import { x } from '@/ok.ts'\nexport const jobs = [x]`,
    /src\/jobs\/list\.ts imports "@\/ok\.ts", but Node does not apply "paths" and "baseUrl" of tsconfig\.json: import a relative path that ends with "\.ts"/,
  ],
  'another path of tsconfig.json': [
    `import { x } from '~/ok'\nexport const jobs = [x]`,
    /src\/jobs\/list\.ts imports "~", but Node does not apply "paths" and "baseUrl" of tsconfig\.json: import a relative path/,
  ],
  'a path from the base of tsconfig.json': [
    `import { x } from 'jobs/ok.ts'\nexport const jobs = [x]`,
    /src\/jobs\/list\.ts imports the package "jobs", which is not installed: run "npm install jobs"; or, if it is the project's own, import a relative path .* "baseUrl" of tsconfig\.json\.$/,
  ],
  'an export that is not there': [
    `import { y } from './ok.ts'\nexport const jobs = [y]`,
    /src\/jobs\/list\.ts:1\nimport \{ y \} from '\.\/ok\.ts'\n +\^\nSyntaxError: .* does not provide an export named 'y'\nIf y is a type, write "type y" there, because/,
  ],
  'a default export that is not there': [
    `import y from './ok.ts'\nexport const jobs = [y]`,
    /SyntaxError: .* does not provide an export named 'default'$/,
  ],
  'a generated type that is imported as a value': [
    `import { Type, Other } from '../generated/graphql.ts'\nexport const jobs = [Other]`,
    /named 'Type'\nIf Type is a type, write "type Type" there, .*\n.* run "npm run codegen"/,
  ],
  'a decorator': [
    'export const jobs = []\nclass A {\n  @bound run() {}\n}',
    /list\.ts:3\n {2}@bound run\(\) \{\}\n {2}\^\n.*\nNode does not run decorators: call the function instead\.$/,
  ],
  'a file with JSX': [
    `import { x } from './mail.tsx'\nexport const jobs = [x]`,
    /^The jobs can't be loaded: Unknown file extension "\.tsx" for src\/jobs\/mail\.tsx: compile it to JavaScript and import that/,
  ],
  'a document that is imported as a file': [
    `import x from './notes.graphql'\nexport const jobs = [x]`,
    /Unknown file extension "\.graphql" for src\/jobs\/notes\.graphql: import its document from src\/generated/,
  ],
  'a file that is no code': [
    `import x from './notes.sql'\nexport const jobs = [x]`,
    /Unknown file extension "\.sql" for src\/jobs\/notes\.sql: read it with "readFile"/,
  ],
  'an operation that was not generated': [
    `import { PullDocument } from './generated/graphql.ts'\nexport const jobs = [PullDocument]`,
    /src\/jobs\/list\.ts:1\n.*does not provide an export named 'PullDocument'\n.* run "npm run codegen"/s,
  ],
  'a syntax error': [
    'export const a = 1\nexport const jobs = [a b]',
    /src\/jobs\/list\.ts:2\nexport const a = 1\nexport const jobs = \[a b\]\n +\^\n.*SyntaxError .*Expected ','/s,
  ],
  'a syntax error in a file that it imports': [
    `import { a } from './twice.ts'\nexport const jobs = [a]`,
    /src\/jobs\/twice\.ts:2\nexport const a = 2\n +\^\n+SyntaxError: Identifier 'a' has already been declared$/,
  ],
  'TypeScript that Node does not run': [
    'export enum A { B }\nexport const jobs = []',
    /src\/jobs\/list\.ts:1\nexport enum A .*enum is not supported in strip-only mode\nNode only removes types: write this as JavaScript/s,
  ],
  'TypeScript in a package': [
    `import { x } from 'copied'\nexport const jobs = [x]`,
    /files under node_modules, for ".*\/copied\/index\.ts": compile the package to JavaScript, or link it, as workspaces do/,
  ],
  'a folder': [
    `import { x } from './generated'\nexport const jobs = [x]`,
    /Directory import 'src\/jobs\/generated' is not supported .* src\/jobs\/list\.ts: import a file of the folder, such as its index\.ts\.$/,
  ],
  'JSON without an attribute': [
    `import rates from './rates.json'\nexport const jobs = [rates]`,
    /Module "src\/jobs\/rates\.json" needs an import attribute .*: end the import with: with \{ type: 'json' \}\.$/,
  ],
  'a mistake when it runs': [
    'const a: any = {}\n\nexport const jobs = [a.b.c]',
    /^The jobs can't be loaded: TypeError: Cannot read properties of undefined \(reading 'c'\) \(at \d+\/src\/jobs\/list\.ts:3:\d+\)\.$/,
  ],
  'a project of CommonJS': [
    `import './old/commonjs.ts'\nexport const jobs = []`,
    /SyntaxError: .*\nThe project is loaded as CommonJS: set "type": "module" in its package\.json\.$/s,
  ],
  'an Error of its own': [
    `throw new Error('no catalogue', { cause: 'out of paper' })`,
    /no catalogue \(at \d+\/src\/jobs\/list\.ts:1:\d+\); cause: the text "out of paper" was thrown, which is not an Error\.$/,
  ],
  'an Error whose stack was overwritten': [
    `throw Object.assign(new Error('no catalogue'), { stack: null })`,
    /^The jobs can't be loaded: Error\.$/,
  ],
  'no export': ['export const job = []', /^src\/jobs\/list\.ts exports no "jobs": export a list/],
  'a default export': ['export default []', /^src\/jobs\/list\.ts exports no "jobs"/],
  'something that is no job': [
    `export const jobs = [${job}, undefined]`,
    /^Element 1 of "jobs" in src\/jobs\/list\.ts \(undefined\) is not a job, because it lacks everything/,
  ],
  'options in place of a job': [
    `export const jobs = [{ name: 'b', payload: { safeParse() {} } }]`,
    /^Element 0 of "jobs" in src\/jobs\/list\.ts \("b"\) is not a job, because it lacks run: list the results of "pullSync" or "defineJob"$/,
  ],
  'a job without a payload': [
    `export const jobs = [{ name: 'b', run() {} }]`,
    /it lacks payload: give "defineJob" the schema of its payload, such as `payload: z\.strictObject\(\{\}\)` for none$/,
  ],
  // As of one that is installed globally, and starts where a project has its own.
  'a job of another copy of the engine': [
    `import { defineJob } from '../../../engine/src/definitions/define-job.ts'\nexport const jobs = [{ ...defineJob(${job}), name: 'b' }]`,
    /^Job "b" is defined by another copy of hasura-sync-worker \(\S+\/engine\/src\/\) than the one that runs \(\S+\/src\/\): start the one that the project has installed/,
  ],
}

const beside = {
  'first-login.ts': 'export const firstLogin = undefined',
  '../generated/graphql.ts': 'export const Other = 1\nexport type Type = string',
  'generated/graphql.ts': 'export const Other = 1',
  'mail.tsx': 'export const x = <p />',
  'notes.graphql': 'query Notes { notes { id } }',
  'notes.sql': 'select 1',
  'ok.ts': 'export const x = 1',
  'rates.json': '{}',
  'old/commonjs.ts': `import { x } from '../ok.ts'\nexport { x }`,
  'old/package.json': '{"type":"commonjs"}',
  'twice.ts': 'export const a = 1\nexport const a = 2',
}

let folder = ''
let told: readonly string[] = []

/** All of them in one process of their own: a module that failed once fails for ever. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'broken-jobs-'))
  for (const [index, [source]] of Object.values(broken).entries()) {
    const jobs = join(folder, String(index), 'src/jobs')
    for (const name of ['../generated', 'generated', 'old']) await mkdir(join(jobs, name), { recursive: true })
    for (const [file, content] of Object.entries({ ...beside, 'list.ts': source })) {
      await writeFile(join(jobs, file), content)
    }
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  const copied = join(folder, 'node_modules/copied')
  await mkdir(copied, { recursive: true })
  await writeFile(join(copied, 'package.json'), '{"type":"module","exports":"./index.ts"}')
  await writeFile(join(copied, 'index.ts'), 'export const x: number = 1')
  await cp(join(projectFolder, 'src'), join(folder, 'engine/src'), { recursive: true })
  await symlink(join(projectFolder, 'node_modules'), join(folder, 'engine/node_modules'))
  // As a debugger does that attaches to every process of its terminal.
  const attached = join(folder, 'attached.cjs')
  await writeFile(attached, `process.stderr.write('Debugger attached.\\n')`)
  await writeFile(
    join(folder, 'ask.ts'),
    `
      import { loadDefinitions } from '${projectFolder}/src/app/load-definitions.ts'
      import { renderExplanation } from '${projectFolder}/src/explanation.ts'
      const told = []
      for (let index = 0; index < ${Object.keys(broken).length}; index += 1) {
        await loadDefinitions({ folder: import.meta.dirname + '/' + index, node: [process.execPath] })
          .then(() => told.push('loaded'), error => told.push(error.problems.map(renderExplanation).join('\\n')))
      }
      console.log(JSON.stringify(told))`,
  )
  const env = { ...process.env, NODE_OPTIONS: `--require ${attached}` }
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'ask.ts')], { cwd: folder, env })
  told = z.array(z.string()).parse(JSON.parse(stdout))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.each(Object.entries(broken).map(([what, [, said]], index) => ({ what, said, index })))(
  'a job list with $what is told with file and cause',
  ({ said, index }) => {
    expect(told[index]).toMatch(said)
    expect(told[index]).not.toMatch(/\n\s+at /)
  },
)

test('a project is its list of jobs; without a first login there is none', async () => {
  const project = { folder: join(folder, 'small'), node: [process.execPath] as const }
  await expect(loadDefinitions(project)).rejects.toThrow('is not a project: it has no src/jobs/list.ts')
  await mkdir(join(project.folder, 'src/jobs'), { recursive: true })
  await writeFile(join(project.folder, 'src/jobs/list.ts'), 'export const jobs = []')
  expect(await loadDefinitions(project)).toEqual({ jobs: [], firstLogin: undefined })
})

describe('a project of which this user may not read a part', () => {
  const closed = ['src/jobs', 'src/jobs/list.ts', 'src/generated', 'package.json']
  let project = ''
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'closed-jobs-'))
    await chmod(project, 0o755)
    await writeFile(
      join(project, 'ask.mjs'),
      `
        import { loadDefinitions } from '${projectFolder}/src/app/load-definitions.ts'
        if (process.getuid() === 0) process.seteuid(65534)
        await loadDefinitions({ folder: process.argv[2], node: [process.execPath] })
          .then(() => console.log('loaded'), error => console.log(error.message))`,
    )
    for (const path of closed) {
      const own = join(project, encodeURIComponent(path))
      for (const name of ['src/jobs', 'src/generated']) await mkdir(join(own, name), { recursive: true })
      await writeFile(join(own, 'package.json'), '{"type":"module"}')
      await writeFile(join(own, 'src/generated/index.ts'), '')
      await writeFile(join(own, 'src/jobs/list.ts'), `import '../generated/index.ts'\nexport const jobs = []`)
      await chmod(join(own, path), 0)
    }
  })
  afterAll(async () => {
    for (const path of closed) await chmod(join(project, encodeURIComponent(path), path), 0o700)
    await rm(project, { recursive: true })
  })

  test.each(closed)('is told by the path: %s', async path => {
    const asked = [join(project, 'ask.mjs'), join(project, encodeURIComponent(path))]
    const { stdout } = await promisify(execFile)(process.execPath, asked)
    expect(stdout).toMatch(
      new RegExp(
        `can't be loaded: .*${path}[^ ]* can't be read, because the permission is missing \\(EACCES\\): let the user`,
      ),
    )
  })

  test.each([
    `import { readFileSync } from 'node:fs'\nreadFileSync('/etc/shadow')`,
    `import { mkdirSync } from 'node:fs'\nmkdirSync('/var/lib/wiki-cache')`,
  ])('what a job itself may not do is told with its place: %s', async source => {
    const own = await mkdtemp(join(project, 'job-'))
    await chmod(own, 0o755)
    await mkdir(join(own, 'src/jobs'), { recursive: true })
    await writeFile(join(own, 'package.json'), '{"type":"module"}')
    await writeFile(join(own, 'src/jobs/list.ts'), `${source}\nexport const jobs = []`)
    const { stdout } = await promisify(execFile)(process.execPath, [join(project, 'ask.mjs'), own])
    expect(stdout).toMatch(/EACCES: permission denied, \w+ '\/\S+' \(at \S*src\/jobs\/list\.ts:2:\d+\)/)
  })
})

test('what jobs and their packages print stays out of the result of a command', async () => {
  const project = join(folder, 'printing')
  await mkdir(join(project, 'src/jobs'), { recursive: true })
  const printing = `console.log('a tip')\nprocess.stdout.write('and another\\n')`
  await writeFile(join(project, 'src/jobs/list.ts'), `${printing}\nexport const jobs = []`)
  await using dataDir = await openDataDir()
  const env = { TOKEN_URL: 'https://idp.example', CLIENT_ID: 'x', CLIENT_SECRET: 'x', DATA_DIR: dataDir.path }
  expect(await start(env, ['jobs', '--json'], project).ended).toEqual({
    code: 0,
    out: '[]\n',
    err: expect.stringMatching(/^a tip\nand another\n/),
  })
})

const documentOf = (operation: string): string =>
  `{ definitions: [{ kind: 'OperationDefinition', operation: '${operation}' }] }`

test.each([
  ['with an operation alone', `{ refreshUsers: ${documentOf('mutation')} }`, undefined],
  ['with a check', `{ refreshUsers: ${documentOf('mutation')}, isVisible: async () => true }`, undefined],
  ['that is undefined', 'undefined', undefined],
  ['without its operation', '{ isVisible: async () => true }', 'refreshUsers is not a mutation'],
  ['with a query', `{ refreshUsers: ${documentOf('query')} }`, 'refreshUsers is not a mutation'],
  ['that is null', 'null', 'refreshUsers is not a mutation'],
  [
    'with a check that is none',
    `{ refreshUsers: ${documentOf('mutation')}, isVisible: true }`,
    'isVisible is not a function',
  ],
])('a first login %s loads, or its mistake is told', async (what, source, mistake) => {
  const project = { folder: join(folder, what), node: [process.execPath] as const }
  await mkdir(join(project.folder, 'src/jobs'), { recursive: true })
  await writeFile(join(project.folder, 'src/jobs/list.ts'), 'export const jobs = []')
  await writeFile(join(project.folder, 'src/jobs/first-login.ts'), `export const firstLogin = ${source}`)
  const loaded = await loadDefinitions(project).catch((error: unknown) => error)
  if (mistake === undefined) expect(loaded).toHaveProperty('jobs', [])
  else {
    const found = `"firstLogin" in src/jobs/first-login.ts is not a first login, because ${mistake}`
    expect(loaded).toMatchObject({ name: 'ConfigError', problems: [expect.objectContaining({ found })] })
  }
})

describe('while src/jobs cannot be loaded', () => {
  let ended: readonly Ended[] = []
  beforeAll(async () => {
    const project = await copyProject(folder)
    await writeFile(join(project, 'src/jobs/list.ts'), `import './nope.ts'\nexport const jobs = []`)
    await using dataDir = await openDataDir()
    const env = { TOKEN_URL: 'https://idp.example', CLIENT_ID: 'x', CLIENT_SECRET: 'x', DATA_DIR: dataDir.path }
    ended = [await start(env, ['jobs', '--json'], project).ended, await start(env, ['holds', '--json'], project).ended]
  })

  test('a command that needs jobs ends with 2 and one JSON document', () => {
    const [jobs] = ended
    const message = 'src/jobs/list.ts imports src/jobs/nope.ts, which does not exist'
    expect(jobs).toMatchObject({ code: 2, err: expect.stringContaining(message) })
    expect(JSON.parse(jobs?.out ?? '')).toMatchObject({ error: { code: 'config' } })
  })

  test('a command that needs jobs says so too if they never finish loading', async () => {
    const project = await copyProject(join(folder, 'hanging'))
    await writeFile(join(project, 'src/jobs/first-login.ts'), 'await new Promise(() => {})')
    await using dataDir = await openDataDir()
    const env = { TOKEN_URL: 'https://idp.example', CLIENT_ID: 'x', CLIENT_SECRET: 'x', DATA_DIR: dataDir.path }
    expect(await start(env, ['jobs'], project).ended).toMatchObject({
      code: 2,
      err: expect.stringContaining(
        'an "await" at the top level of src/jobs/first-login.ts, or of a file that it imports, never',
      ),
    })
  })

  test('a command that needs none works, and mentions it', () => {
    expect(ended[1]).toMatchObject({ code: 0, out: '[]\n', err: expect.stringContaining('nope.ts') })
  })
})
