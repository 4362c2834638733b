import { bootstrapAccount } from 'hasura-sync-worker'

/** In the order in which a new account is filled: what others refer to comes first. */
const syncs = [] as const

/** Every job that this worker knows. A new one is a file beside this one and a line here. */
export const jobs = [...syncs, bootstrapAccount(syncs)] as const
