import { resolve } from 'node:path'
import type { JobDefinition } from 'hasura-sync-worker'
import { openTestProject } from 'hasura-sync-worker/testing'
import { expect, test } from 'vitest'
import { jobs } from '../src/jobs/list.ts'

const pulls = jobs.filter((job: JobDefinition) => 'mirror' in job)

test('each pull reads every row of an API with the pulled schema', { timeout: 120_000 }, async () => {
  await using project = await openTestProject({ jobs, folder: resolve(import.meta.dirname, '..'), rows: 10 })
  for (const job of pulls) expect(await project.run(job)).toMatchObject({ counts: { read: 10 } })
})
