import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { PullArticlesDocument } from '../../examples/wiki/src/generated/graphql.ts'
import { syncArticles } from '../../examples/wiki/src/jobs/sync-articles.ts'
import { syncTopics } from '../../examples/wiki/src/jobs/sync-topics.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { openTestProject, type TestProject } from '../../src/testing/open-test-project.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'

const syncUnpublished = pullSync({
  name: 'sync-unpublished',
  document: PullArticlesDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'unpublished',
  softDelete: 'published_at',
})

let project: TestProject
beforeAll(async () => {
  project = await openTestProject({
    jobs: [syncArticles, syncTopics, syncUnpublished],
    folder: wikiProject.folder,
    rows: 3,
  })
})
afterAll(() => project[Symbol.asyncDispose]())

test('the API has the tables of the pulled SDL, with rows', async () => {
  expect(await project.run(syncTopics)).toMatchObject({ counts: { inserted: 3 } })
  expect(await project.run(syncArticles, { full: true })).toMatchObject({ counts: { inserted: 3 } })
  expect(await project.rows('articles')).toMatchObject([{ revision: 1 }, { revision: 2 }, { revision: 3 }])
})

test('its rows count as read by each pull, also those that a pull takes for deleted', async () => {
  const { counts } = z.object({ counts: z.record(z.string(), z.number()) }).parse(await project.run(syncUnpublished))
  expect(counts).toMatchObject({ read: 3 })
  expect(counts.inserted ?? 0).toBeLessThan(3)
})

test('what a test changes in the API is found by the next run', async () => {
  await project.api.sql("update articles set title = 'Changed', updated_at = now() where revision = 2")
  expect(await project.run(syncArticles)).toMatchObject({ counts: { updated: 1 } })
  expect(await project.rows('articles')).toMatchObject([{}, { title: 'Changed' }, {}])
})
