// node bench/contestants/pull.ts '{"url": …, "databaseUrl": …, "pageSize": …, …}'
// A real pull: gate, lease, fence, comparison and checkpoint, into a real Postgres.
import { z } from 'zod'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { pullArticlesDocument } from '../../test/fixtures/wiki-documents.ts'
import { runJob } from './run-job.ts'
import { workerOptions } from './worker-options.ts'

const { pageSize, ranges, ...options } = workerOptions
  .extend({ pageSize: z.number(), ranges: z.number().optional() })
  .parse(JSON.parse(process.argv[2] ?? ''))

const pullArticles = pullSync({
  name: 'pull-articles',
  document: pullArticlesDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'articles',
  pageSize,
  ...(ranges !== undefined && { ranges }),
})
await runJob(options, pullArticles)
