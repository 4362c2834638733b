import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { openHome } from '../cli/run-command.ts'
import { copyCheckout } from '../fixtures/copy-project.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { trackTable, untrackTable } from '../sandbox/hasura/change-metadata.ts'
import { findCodeBlocks, findCommands, findSection, readDocument } from './markdown.ts'

let project: string
const test = sandboxTest
  .extend('home', { scope: 'file' }, async ({ closing, sandbox }) => closing.use(await openHome(sandbox, 'newcomer')))
  /** As somebody types it into a shell. @returns what it printed */
  .extend('type', ({ home }) => async (command: string): Promise<string> => {
    const { stdout } = await promisify(execFile)('sh', ['-c', command], {
      cwd: project,
      env: { ...home.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), HOME: home.folder },
    })
    return stdout
  })

test.beforeAll(async ({ home, sandbox }) => {
  project = await copyCheckout(home.folder, [
    'vitest.config.ts',
    'bench',
    'chaos',
    'examples',
    'packages',
    'scripts',
    'templates',
    'test',
  ])
  // As the demo's viewer sees them; its filter can't name articles that aren't tracked.
  await sandbox.hasura.sql(`
    delete from article_links l using articles a
    where a.id in (l.article_id, l.target_id) and a.status <> 'published'`)
  // Nothing of the wiki is left that its jobs or its first login could use.
  const permission = { columns: ['article_id', 'target_id', 'kind', 'updated_at'], filter: {} }
  await sandbox.hasura.changeMetadata(
    trackTable('article_links', { select_permissions: [{ role: 'viewer', permission }] }),
    ...['users', 'topics', 'articles'].map(untrackTable),
  )
})

const section = findSection(readDocument('README.md'), 'From an unknown Hasura to a mirrored table')

test('the README leads from a Hasura that nobody knows to a mirrored table', async ({ type, sandbox }) => {
  const said: string[] = []
  for (const { language, code, before } of findCodeBlocks(section)) {
    const file = /^`([\w./-]+)`:/m.exec(before)?.[1]
    if (language === 'ts') await writeFile(join(project, file ?? ''), code)
    else for (const command of findCommands(`\`\`\`${language}\n${code}\`\`\``)) said.push(await type(command))
  }
  const [links] = await sandbox.hasura.sql('select count(*)::int as count from article_links')
  expect(said.at(-1)).toContain(`sync-article-links: done (${links?.count} read, ${links?.count} inserted, `)
  expect(findCodeBlocks(section).find(({ language }) => language === 'text')?.code).toBe(said.at(-1))
  await type('npm run types')
  expect(await type('npm run -s cli -- schema check')).toBe(
    'Role "viewer": every operation is valid on the live API.\n',
  )
})
