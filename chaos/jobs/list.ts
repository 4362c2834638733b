import type { JobDefinition } from 'hasura-sync-worker'
import { block } from './block.ts'
import { followArticles } from './follow-articles.ts'
import { ledger } from './ledger.ts'
import { rollingJob } from './names.ts'
import { pullArticles } from './pull-articles.ts'
import { webhooks } from './webhooks.ts'

const all = [
  ledger('ledger'),
  ledger('other'),
  ledger(rollingJob),
  ledger('tick', { schedule: { everySeconds: 2 } }),
  ledger('tick-or-skip', { schedule: { everySeconds: 3, missed: 'skip' } }),
  block,
  pullArticles,
  followArticles,
  ...webhooks,
]

/** The jobs of the harness's workers; `CHAOS_WITHOUT` names the job that an older version lacks. */
export const jobs: readonly JobDefinition[] = all.filter(({ name }) => name !== process.env.CHAOS_WITHOUT)
