import { bootstrapAccount } from 'hasura-sync-worker'
import { syncArticles } from './sync-articles.ts'
import { syncTopics } from './sync-topics.ts'
import { syncUsers } from './sync-users.ts'

/** The bootstrap of a new account runs these in order: list what others refer to first. */
const syncs = [syncUsers, syncTopics, syncArticles] as const

/** Every job that the worker runs. To add one, write a file next to this one and a line here. */
export const jobs = [...syncs, bootstrapAccount(syncs)] as const
