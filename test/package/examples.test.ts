import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectFolder, readDocument } from '../docs/markdown.ts'
import { copyProject } from '../fixtures/copy-project.ts'

const exported = [...readDocument('src/index.ts').matchAll(/export (?:type )?\{([^}]*)\} from '\.\/(.+)'/g)].flatMap(
  ([, names = '', file = '']) =>
    names.split(',').flatMap(name => {
      const plain = name.replace('type ', '').trim()
      return plain === '' ? [] : [{ name: plain, example: findExample(readDocument(`src/${file}`), plain) }]
    }),
)

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examples-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.each(exported)('$name has an example', ({ example }) => {
  expect(example).toContain("from 'hasura-sync-worker'")
})

test('the examples compile in a project', async () => {
  const project = await copyProject(folder)
  for (const { name, example = '' } of exported) await writeFile(join(project, `src/jobs/example-${name}.ts`), example)
  const config = await readFile(join(projectFolder, 'tsconfig.json'), 'utf8')
  await writeFile(join(project, 'tsconfig.json'), config.replace(/"include": .*/, '"include": ["src"]'))
  const tsc = promisify(execFile)(join(projectFolder, 'node_modules/.bin/tsc'), ['--noEmit'], { cwd: project })
  expect(await tsc.catch(error => ({ stdout: String(error.stdout) }))).toMatchObject({ stdout: '' })
})

/** The last part of the comment before a declaration. */
function findExample(source: string, name: string): string | undefined {
  const declared = new RegExp(`^export (?:async )?(?:function\\*?|class|interface|type|const) ${name}\\b`, 'm').exec(
    source,
  )
  const [comment] = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n$/.exec(source.slice(0, declared?.index)) ?? []
  const [, example] = /\n \* @example\n([\s\S]*?)\n \*\/\n$/.exec(comment ?? '') ?? []
  return example?.replaceAll(/^ \* ?/gm, '').concat('\n')
}
