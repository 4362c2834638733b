import { PullTopicsDocument } from '../generated/graphql.ts'
import { pullSync } from '../sync/pull-sync.ts'

export const syncTopics = pullSync({
  name: 'sync-topics',
  document: PullTopicsDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'topics',
  schedule: { everySeconds: 300 },
})
