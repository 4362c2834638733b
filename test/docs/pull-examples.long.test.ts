import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { z } from 'zod'
import type { JobDefinition } from '../../src/definitions/define-job.ts'
import { copyProject } from '../fixtures/copy-project.ts'
import { type PullRun, runPull } from '../fixtures/run-pull.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { pullArticles } from '../fixtures/wiki-documents.ts'
import { type CodeBlock, findCodeBlocks, findSection, projectFolder, readDocument } from './markdown.ts'

const guide = readDocument('docs/writing-a-job.md')
const blocks = [
  ...findCodeBlocks(findSection(guide, 'A pull')),
  ...findCodeBlocks(findSection(guide, 'Following changes')),
  ...findCodeBlocks(findSection(guide, 'Settings of a job')),
]
const fileOf = ({ before }: CodeBlock) => /^`([\w./-]+)`:/m.exec(before)?.[1]

const test = tableTest
  /** The guide's files in a copy of the project, whose API has the table that they name. */
  .extend('project', { scope: 'file' }, async ({ closing, sandbox }) => {
    const folder = await mkdtemp(join(tmpdir(), 'guide-'))
    closing.defer(() => rm(folder, { recursive: true, force: true }))
    await sandbox.createTable({
      name: 'notes',
      columns: 'id int primary key, text text, deleted_at timestamptz, updated_at timestamptz not null default now()',
    })
    const project = await copyProject(folder, ['tsconfig.json'])
    await writeFile(join(project, 'graphql/schema/viewer.graphql'), sandbox.hasura.printSchema('viewer'))
    for (const block of [
      ...findCodeBlocks(findSection(readDocument('docs/writing-a-job.md'), 'A job in a minute')),
      ...blocks,
    ]) {
      const file = fileOf(block)
      if (!file || !/^(?:graphql|src)\/.*(?<!list\.ts)$/.test(file)) continue
      await mkdir(dirname(join(project, file)), { recursive: true })
      await writeFile(join(project, file), block.code)
    }
    await call(project, 'graphql-codegen', '--config', 'codegen.ts')
    return project
  })
  .extend('appOptions', { scope: 'file' }, ({ project }) => ({
    schemaFolder: pathToFileURL(join(project, 'graphql/schema/')),
  }))
  .extend('account', ({ app }) => app.addAccount({ clientId: 'north' }))
  .extend(
    'run',
    ({ account, app, project }) =>
      async (job: string, options: PullRun = {}, of = account) =>
        runPull(app, await find(project, job), of, options),
  )
  .extend('query', ({ app }) => async (text: string): Promise<readonly Record<string, unknown>[]> => {
    return (await sql<Record<string, unknown>>`${sql.raw(text)}`.execute(app.deps.store)).rows
  })

test('every option of a pull is explained, and no other', () => {
  const source = readDocument('src/pull/pull-options.ts')
  const options = /interface PullOptions.*?\n}/s.exec(source)?.[0] ?? ''
  const names = [...options.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name)
  const [, table = ''] = /^\| option \| meaning \|\n(.*?)\n\n/ms.exec(findSection(guide, 'A pull')) ?? []
  const explained = [...table.matchAll(/^\| `([a-z]\w*)` \|/gm)].map(([, name]) => name)
  expect(explained.toSorted()).toEqual(names.toSorted())
})

test('its files compile', async ({ project }) => {
  const config = join(project, 'tsconfig.json')
  const text = await readFile(config, 'utf8')
  await writeFile(config, text.replace(/"include": .*/, '"include": ["src"]'))
  await call(project, 'tsc', '--noEmit', '-p', '.')
})

test('a row that says that it is deleted is marked without a sweep', async ({ app, run, query }) => {
  await app.hasura.sql(`insert into notes values (1, 'here'), (2, 'gone')`)
  expect(await run('sync-notes')).toMatchObject({ counts: { inserted: 2 } })
  await app.hasura.sql(`update notes set deleted_at = now(), updated_at = now() where id = 2`)
  expect(await run('sync-notes')).toMatchObject({ counts: { deleted: 1 } })
  expect(await query('select id from mirror.notes where _deleted_at is null')).toEqual([{ id: 1 }])
})

test('a composite key keeps all links between the same two articles', async ({ app, run }) => {
  const [links] = await app.hasura.sql(`
    select count(*)::int as count from article_links l
    join articles a on a.id = l.article_id and a.status = 'published'
    join articles t on t.id = l.target_id and t.status = 'published'`)
  expect(await run('sync-links')).toMatchObject({ counts: { inserted: links?.count } })
})

test('each account has the members that its filter names', async ({ run, app }) => {
  expect(await run('sync-members')).toMatchObject({ counts: { inserted: 2 } })
  expect(await run('sync-members', {}, app.addAccount({ clientId: 'south' }))).toMatchObject({
    counts: { inserted: 1 },
  })
  expect(await run('sync-members', {}, app.addAccount())).toMatchObject({ counts: { inserted: 0 } })
})

test('an object is flattened, a list is kept, and the transform has been at every row', async ({ run, query }) => {
  await run('sync-headlines')
  const [row] = await query('select * from mirror.headlines where author_username is not null limit 1')
  expect(row).toMatchObject({
    title: expect.stringMatching(/^ARTICLE \d+$/),
    author_username: expect.any(String),
    links: expect.any(Array),
  })
  expect(Object.keys(row ?? {}).filter(name => !name.startsWith('_'))).toEqual([
    'id',
    'title',
    'updated_at',
    'author_username',
    'links',
  ])
})

test('changes are followed, counted once, and read with only SQL', async ({ app, account, query, run }) => {
  const { counts } = z
    .object({ counts: z.object({ inserted: z.number() }) })
    .parse(await runPull(app, pullArticles, account))
  const [definition = '', select = ''] = blocks.filter(({ language }) => language === 'sql').map(({ code }) => code)
  for (const statement of definition.split(';').filter(text => text.trim() !== '')) await query(statement)

  const read = counts.inserted
  expect(await run('follow-articles')).toMatchObject({ counts: { read } })
  expect(await run('follow-articles')).toMatchObject({ counts: { read: 0 } })
  expect(await run('count-changes')).toMatchObject({ counts: { read } })
  expect(await run('count-changes')).toMatchObject({ counts: { read: 0 } })
  expect(await query('select sum(count)::int as count from reporting.changes')).toEqual([{ count: read }])

  const behind = (position: string) => query(select.replace('$1', position))
  const all = await behind('0')
  expect(all).toHaveLength(read)
  expect(all[0]).toMatchObject({ _account: account, is_deleted: false, title: expect.any(String) })
  expect(await behind(String(all.at(-1)?._change))).toEqual([])
})

/** The job that the guide's file of this name exports. */
async function find(project: string, name: string): Promise<JobDefinition> {
  const module: Record<string, JobDefinition> = await import(join(project, 'src/jobs', `${name}.ts`))
  const job = Object.values(module).find(exported => exported.name === name)
  return job ?? expect.fail(`the guide has no job ${name}`)
}

async function call(project: string, binary: string, ...words: string[]): Promise<void> {
  const bin = join(projectFolder, 'node_modules/.bin')
  const env = {
    PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
    NODE_OPTIONS: '--conditions=@hasura-sync-worker/source',
  }
  await promisify(execFile)(join(bin, binary), words, { cwd: project, env }).catch(error => {
    throw new Error(`${binary} failed:\n${Object(error).stdout}${Object(error).stderr}`, { cause: error })
  })
}
