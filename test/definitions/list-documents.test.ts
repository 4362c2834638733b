import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { firstLogin } from '../../examples/wiki/src/jobs/first-login.ts'
import { jobs } from '../../examples/wiki/src/jobs/list.ts'
import { schemaFolderOf } from '../../src/config/project.ts'
import { listDocuments } from '../../src/definitions/list-documents.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'

test('lists what the worker sends unattended, each once, with who sends it and what is derived', async () => {
  const operations = await listDocuments(jobs, firstLogin, schemaFolderOf(wikiProject))
  expect(operations.map(({ name, senders }) => [name, ...senders])).toEqual([
    ['RefreshUsers', 'first login'],
    ['FindUser', 'first login'],
    ...['Users', 'Topics', 'Articles'].flatMap(table => {
      const job = `sync-${table.toLowerCase()}`
      // The role may count topics alone.
      return ['', 'Keys', 'KeyAt', ...(table === 'Topics' ? ['Count'] : [])].map(suffix => [
        `Pull${table}${suffix}`,
        job,
      ])
    }),
  ])
  expect(await listDocuments(jobs, firstLogin, schemaFolderOf(wikiProject))).toEqual(operations)
  for (const { query } of operations) expect(parse(query).definitions).toHaveLength(1)
})

test('what two jobs send is listed once', async () => {
  const [job] = jobs.filter(({ name }) => name === 'sync-users')
  if (!job) throw new Error('the project has this job')
  const twice = await listDocuments([job, { ...job, name: 'other' }], undefined, schemaFolderOf(wikiProject))
  expect(twice.map(({ senders }) => senders)).toEqual(twice.map(() => ['sync-users', 'other']))
})
