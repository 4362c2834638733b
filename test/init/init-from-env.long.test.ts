import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openHome, run, runWith } from '../cli/run-command.ts'
import { linkPackages } from '../fixtures/copy-project.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'

let folder = ''
const test = sandboxTest.extend('home', { scope: 'file' }, async ({ closing, sandbox }) =>
  closing.use(await openHome(sandbox, 'chooser')),
)

test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'init-from-env-'))
  await linkPackages(folder)
})
test.afterEach(() => rm(folder, { recursive: true, force: true }))

const list = () => readFile(join(folder, 'src/jobs/list.ts'), 'utf8')

test('a person chooses among the tables', async ({ home }) => {
  const { code, out, err } = await runWith(home.env, ['init', folder, '--from-env'], { answer: 'topics, users' })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('Account "default": all checks pass')
  expect(out).toContain('✓ job-roles      no job needs a role yet; granted: viewer')
  expect(out).toContain('· first-login    src/jobs/first-login.ts defines no first login')
  expect(out).toMatch(/\n {3}\d {2}articles\n/)
  expect(out).toMatch(/Not offered: search_articles\. .* requires args/)
  expect(await list()).toContain('const syncs = [syncTopics, syncUsers] as const')
  expect(out).toMatch(/Next:\n {2}cd .*\n {2}npm run -s cli -- run sync-topics\n {2}npm run -s cli -- run sync-users\n/)
  const again = await run(home.env, 'init', folder, '--from-env', '--table', 'topics', '--table', 'articles')
  expect(again.out).toContain('graphql/topics.graphql queries topics already.')
  expect(await list()).toContain('const syncs = [syncTopics, syncUsers, syncArticles] as const')
})

test('without a terminal nothing is asked, and the schema is there', async ({ home }) => {
  await writeFile(
    join(folder, '.env'),
    Object.entries(home.env)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const { code, out } = await run({}, 'init', folder, '--from-env')
  expect(code).toBe(0)
  expect(out).toContain(
    'graphql/schema/viewer.graphql holds the schema that role "viewer", the token\'s default role, sees.',
  )
  expect(out).toContain('npm run -s cli -- add <table>')
  expect(await list()).toContain('const syncs = [] as const')
})

test('a table that the role does not see adds none', async ({ home }) => {
  const ended = await run(home.env, 'init', folder, '--from-env', '--table', 'topics', '--table', 'article')
  expect(ended.code).toBe(2)
  expect(ended.err).toContain('sees no root field "article": name a similar list (articles')
  expect(await list()).toContain('const syncs = [] as const')
})

test('what doctor finds ends it before anything is pulled', async ({ home }) => {
  const ended = await run(
    { ...home.env, CLIENT_SECRET_FILE: '', CLIENT_SECRET: 'wrong' },
    'init',
    folder,
    '--from-env',
    '--all-tables',
  )
  expect(ended.code).toBe(3)
  expect(ended.out).toContain('✗ client-auth')
  expect(ended.err).toContain('Fix the failed checks, then run the command again.')
  expect(await readdir(join(folder, 'graphql'))).toEqual(['.gitkeep'])
})

test('without an account nothing is written', async () => {
  const ended = await run({}, 'init', folder, '--from-env')
  expect({ code: ended.code, out: ended.out }).toEqual({ code: 2, out: '' })
  expect(ended.err).toContain('OIDC_ISSUER')
  expect(await readdir(folder)).toEqual(['node_modules'])
})
