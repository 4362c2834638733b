import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { generateTypes } from '../../src/add/generate-types.ts'
import { PermanentError } from '../../src/errors.ts'
import { withoutRoot } from '../fixtures/without-root.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codegen-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** @param source run in place of codegen */
async function generate(source: string, nodeOptions = '--max-old-space-size=300') {
  const program = join(folder, 'codegen.mjs')
  await writeFile(program, source)
  const env = { PATH: '/bin', NODE_OPTIONS: nodeOptions, HOME: '/root', CLIENT_SECRET: 'canary' }
  const { signal } = new AbortController()
  return generateTypes({ folder, node: [process.execPath, program] }, [], { env, signal })
}

test('codegen gets what Node needs and a home of its own, and no secret', async () => {
  const [written] = await generate(`
    import { realpathSync, writeFileSync } from 'node:fs'
    import { homedir } from 'node:os'
    writeFileSync('seen.json', JSON.stringify({ ...process.env, isAtHome: realpathSync(homedir()) === process.cwd() }))`)
  const seen = JSON.parse(written?.content ?? '')
  expect(seen).toMatchObject({ PATH: '/bin', NODE_OPTIONS: '--max-old-space-size=300', isAtHome: true })
  expect(seen).not.toHaveProperty('CLIENT_SECRET')
})

test.each(['--import ./tracing.mjs', '--max-old-space-size=300 -r "../tracing.cjs"'])(
  'a module in the project that Node should load first is left out: %s',
  async nodeOptions => {
    const source = `import { writeFileSync } from 'node:fs'
      writeFileSync('seen.json', JSON.stringify(process.env.NODE_OPTIONS ?? 'none'))`
    expect((await generate(source, nodeOptions))[0]?.content).toBe('"none"')
  },
)

test('a project in which nothing can be written is told', async () => {
  const deps = { env: {}, signal: new AbortController().signal }
  const generating = generateTypes({ folder: join(folder, 'nowhere'), node: [process.execPath] }, [], deps)
  await expect(generating).rejects.toThrow(/^Nothing could be written to .*nowhere, because .* \(ENOENT\): correct the/)
})

test('what codegen says is told without a stack', async () => {
  const error = await generate(`
    console.error('✖ Unable to read the schema\\n  at least one file is missing\\n' + new Error('canary').stack)
    process.exit(1)`).catch(error => error)
  expect(error).toBeInstanceOf(PermanentError)
  expect(error.message).toBe(
    'Codegen failed, so nothing was written: Unable to read the schema at least one file is missing Error: canary',
  )
})

test('a failure of which codegen says nothing is not told as an empty sentence', async () => {
  await expect(generate('process.exit(1)')).rejects.toThrow(
    /written: it gave no reason, as when the disk is full: free/,
  )
})

test('a file of the project that cannot be copied is told with what to do', async () => {
  const project = await mkdtemp(join(tmpdir(), 'codegen-'))
  await mkdir(join(project, 'graphql'))
  await writeFile(join(project, 'graphql/articles.graphql'), '', { mode: 0 })
  await chmod(project, 0o777)
  const deps = { env: {}, signal: new AbortController().signal }
  const generating = withoutRoot(() => generateTypes({ folder: project, node: [process.execPath] }, [], deps))
  await expect(generating).rejects.toThrow(
    /^\S+graphql\/articles\.graphql can't be read, because the permission is missing \(EACCES\): /,
  )
  await rm(project, { recursive: true })
})

test.each([
  ['fails', 'process.exit(1)'],
  ['writes its own types', `import { writeFileSync } from 'node:fs'; writeFileSync('types.ts', '')`],
])("another program's codegen.ts that %s is told, and nothing is written", async (_, source) => {
  await writeFile(join(folder, 'codegen.ts'), `export default { schema: 'https://api.example/graphql' }`)
  onTestFinished(() => rm(join(folder, 'codegen.ts')))
  await expect(generate(source)).rejects.toThrow(
    /^Nothing was written, because codegen\.ts does not export "codegenSettings\(\)" .* give the jobs a folder of their own/,
  )
})
