import { pullSync } from 'hasura-sync-worker'
import { PullArticlesDocument } from '../../examples/wiki/src/generated/graphql.ts'
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
