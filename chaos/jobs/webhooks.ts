import { defineWebhook } from 'hasura-sync-worker'
import { deliveringWebhook, endedWebhook } from './names.ts'
import { pullArticles } from './pull-articles.ts'

const tables = [pullArticles.mirror]

/** What each account's receiver is sent, and what another one wants no more after its first message. */
export const webhooks = [
  defineWebhook({ name: deliveringWebhook, tables, schedule: { everySeconds: 10 } }),
  defineWebhook({ name: endedWebhook, tables, schedule: { everySeconds: 60 } }),
]
