import { pullSync } from 'hasura-sync-worker'
import { PullArticlesDocument } from '../generated/graphql.ts'

export const syncArticles = pullSync({
  name: 'sync-articles',
  document: PullArticlesDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'articles',
  schedule: { everySeconds: 300 },
  on: { table: 'articles' },
})
