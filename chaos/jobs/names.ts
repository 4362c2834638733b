/** A job that an older version of the project doesn't have: see `CHAOS_WITHOUT`. */
export const rollingJob = 'rolling'
/** Jobs whose runs write down that they commit. */
export const ledgerNames = ['ledger', 'other', rollingJob, 'tick', 'tick-or-skip']
/** How far pulls reach back, in seconds: longer than any transaction of the writers. */
export const lookbackSeconds = 20
/** A webhook whose receiver wants every message, and one whose receiver answers 410. */
export const deliveringWebhook = 'tell-articles'
export const endedWebhook = 'tell-nobody'
export const webhookNames = [deliveringWebhook, endedWebhook]
