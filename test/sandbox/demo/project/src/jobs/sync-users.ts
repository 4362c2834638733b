import { pullSync } from 'hasura-sync-worker'
import { PullUsersDocument } from '../../../../../../examples/wiki/src/generated/graphql.ts'

export const syncUsers = pullSync({
  name: 'sync-users',
  document: PullUsersDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'users',
  schedule: { everySeconds: 300 },
  live: true,
})
