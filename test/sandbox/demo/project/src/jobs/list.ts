import { bootstrapAccount } from 'hasura-sync-worker'
import { syncArticles } from '../../../../../../examples/wiki/src/jobs/sync-articles.ts'
import { syncTopics } from '../../../../../../examples/wiki/src/jobs/sync-topics.ts'
import { syncUsers } from './sync-users.ts'

/** The wiki's jobs; the one for users is live. */
const syncs = [syncUsers, syncTopics, syncArticles] as const

export const jobs = [...syncs, bootstrapAccount(syncs)] as const
