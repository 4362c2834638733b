import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, test } from 'vitest'
import { copyCheckout } from '../fixtures/copy-project.ts'

let folder = ''
let checkout = ''

/** A checkout from which somebody took the jobs, the operations and the schemas. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'no-jobs-'))
  checkout = await copyCheckout(folder, [
    'bench',
    'chaos',
    'deploy',
    'docs',
    'examples',
    'knip.json',
    'packages',
    'schema',
    'scripts',
    'templates',
    'test',
    'vitest.config.ts',
    '.env.example',
    '.gitignore',
  ])
  for (const part of ['src/jobs', 'graphql']) await rm(join(checkout, part), { recursive: true })
  // Its copy of Node is large.
  for (const part of ['src/jobs', 'tools']) await mkdir(join(checkout, part))
  await writeFile(join(checkout, 'src/jobs/list.ts'), 'export const jobs = [] as const\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.concurrent.each(['types', 'unused', 'imports', 'drift', 'demo -- --exit'])(
  'a checkout without jobs and operations passes npm run %s',
  async words => {
    await npm(`run -s ${words}`)
  },
)

async function npm(words: string): Promise<void> {
  const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), TMPDIR: folder }
  try {
    await promisify(execFile)('npm', words.split(' '), { cwd: checkout, env })
  } catch (error) {
    throw new Error(`npm ${words}:\n${Object(error).stdout}${Object(error).stderr}`, { cause: error })
  }
}
