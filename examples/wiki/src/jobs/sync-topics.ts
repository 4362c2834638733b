import { pullSync } from 'hasura-sync-worker'
import { PullTopicsDocument } from '../generated/graphql.ts'

export const syncTopics = pullSync({
  name: 'sync-topics',
  document: PullTopicsDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'topics',
  schedule: { everySeconds: 300 },
})
