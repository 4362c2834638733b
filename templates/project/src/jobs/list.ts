import { bootstrapAccount } from 'hasura-sync-worker'

/** The bootstrap of a new account runs these in order: list what others refer to first. */
const syncs = [] as const

/** Every job that the worker runs. To add one, write a file next to this one and a line here. */
export const jobs = [...syncs, bootstrapAccount(syncs)] as const
