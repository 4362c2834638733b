/** Checked by the compiler alone (`npm run types`): what must not compile is marked, and an error itself if it does. */
import { z } from 'zod'
import { bootstrapAccount } from '../../src/definitions/bootstrap-account.ts'
import { defineJob, type JobDefinition } from '../../src/definitions/define-job.ts'
import { defineSpec, type JobName, type JobNamed, type PayloadOf } from '../../src/definitions/job-spec.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { pullArticlesDocument } from '../fixtures/wiki-documents.ts'

const syncArticles = pullSync({
  name: 'sync-articles',
  document: pullArticlesDocument,
  role: 'viewer',
  key: 'id',
  into: 'articles',
})

const notifyReaders = defineSpec({
  name: 'notify-readers',
  requirement: { scopes: ['mail'] },
  payload: z.strictObject({ articleId: z.uuid(), urgent: z.coerce.boolean().default(false) }),
})

const notifying = defineJob({
  ...notifyReaders,
  async run(_session, { payload }) {
    const urgent: boolean = payload.urgent
    // @ts-expect-error what the schema doesn't have
    const nothing: unknown = payload.readers
    return { counts: { read: urgent && nothing ? 1 : 0 } }
  },
})

export const asking = defineJob({
  name: 'ask',
  payload: z.strictObject({}),
  async run(_session, context) {
    const articleId = '0198c5a2-7f2e-7000-8000-000000000000'
    await context.request(syncArticles)
    await context.request(syncArticles, { full: true })
    await context.request(notifyReaders, { articleId })
    await context.request(notifying, { articleId, urgent: true })

    // @ts-expect-error a name alone: nobody could say whether there is such a job, and what it takes
    await context.request('sync-articles')
    // @ts-expect-error a payload that the job doesn't know
    await context.request(syncArticles, { everything: true })
    // @ts-expect-error no payload, where one is needed
    await context.request(notifyReaders)
    // @ts-expect-error a payload of another type
    await context.request(notifying, { articleId: 7 })
    return {}
  },
})

const syncs = [syncArticles] as const
const jobs = [...syncs, notifying, bootstrapAccount(syncs)] as const

/** A list is also one of any jobs. */
export const list: readonly JobDefinition[] = jobs

export const names: readonly JobName<typeof jobs>[] = ['sync-articles', 'notify-readers', 'bootstrap-account']

// @ts-expect-error a name that the list doesn't have
export const misspelt: JobName<typeof jobs> = 'sync-article'

type Notification = PayloadOf<JobNamed<typeof jobs, 'notify-readers'>>

export const payload: Notification = { articleId: 'x' }

// @ts-expect-error the payload of another job
export const wrong: Notification = { full: true }

// @ts-expect-error a pull whose name nobody gave
pullSync({ document: pullArticlesDocument, role: 'viewer', key: 'id', into: 'articles' })
