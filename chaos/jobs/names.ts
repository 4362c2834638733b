/** The job that an older version of the project lacks: see `CHAOS_WITHOUT`. */
export const rollingJob = 'rolling'
/** Jobs whose runs record their commits. */
export const ledgerNames = ['ledger', 'other', rollingJob, 'tick', 'tick-or-skip']
/** The lookback of pulls in seconds: longer than any transaction of the writers. */
export const lookbackSeconds = 20
/** A webhook whose receiver wants every message, and one whose receiver answers 410. */
export const deliveringWebhook = 'tell-articles'
export const endedWebhook = 'tell-nobody'
export const webhookNames = [deliveringWebhook, endedWebhook]
