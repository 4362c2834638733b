import { PullArticlesDocument } from '../../src/generated/graphql.ts'
import { pullSync } from '../../src/sync/pull-sync.ts'
import { lookbackSeconds } from './names.ts'

export const pullArticles = pullSync({
  name: 'pull-articles',
  document: PullArticlesDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'articles',
  schedule: { everySeconds: 3 },
  lookback: lookbackSeconds,
  sweep: { everySeconds: 15 },
  pageSize: 50,
})
