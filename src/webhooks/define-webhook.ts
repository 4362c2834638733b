import { z } from 'zod'
import type { ScheduleRule } from '../account.ts'
import type { Change } from '../changes/changes.ts'
import { followInParts } from '../changes/follow-changes.ts'
import { checkFields } from '../definitions/check-fields.ts'
import { defineJob, type JobContext, type JobDefinition, type JobResult } from '../definitions/define-job.ts'
import { OutageError, PermanentError } from '../errors.ts'
import type { ChangedTable } from '../mirror/changed-table.ts'
import type { Names } from '../names/unknown-fields.ts'
import type { Exchange } from '../outgoing/exchange.ts'
import { createPublicExchange } from '../outgoing/public-exchange.ts'
import { createServerTime } from '../time/server-time.ts'
import { buildMessages } from './build-messages.ts'
import { deliver, type FailedDelivery } from './delivery.ts'
import { noteDelivered, noteEnded, noteFailed, openSubscription, type SubscriptionName } from './subscription.ts'
import { createWebhookSettings, type WebhookTarget } from './webhook-settings.ts'
import { withRows } from './with-rows.ts'

const payload = z.strictObject({
  /** Sends again to a receiver whose subscription was parked or has ended. */
  resume: z.literal(true).optional(),
  /** Sends again what has changed after this position of each table, `0` for everything. */
  after: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
})

export interface WebhookOptions<N extends string = string> {
  readonly name: N
  /** `mirror` of a pull, or the result of `mirrorRows`. */
  readonly tables: readonly ChangedTable[]
  /** Sends rows as well; default false, which sends only keys and positions. */
  readonly rows?: boolean
  /** Checks for changes whose wake-up was lost; default every 5 minutes. */
  readonly schedule?: ScheduleRule
}

const optionNames: Names<WebhookOptions> = { name: true, tables: true, rows: true, schedule: true }

/** How long a run sends before the account's other lines get their turn, in milliseconds. */
const turnMs = 10_000
/** Codes of errors with which a subscription sends nothing more. */
const stopping: ReadonlySet<string> = new Set(['webhook-ended', 'webhook-parked'])
/** Changes per read. */
const pageSizes = { keys: 1_000, rows: 200 }

/**
 * Defines a job that sends the changes of mirror tables to one receiver, signed according to Standard Webhooks: at least once,
 * and for each key in order. Each account has its own subscription. For the name `articles-to-search` the settings are
 * `ARTICLES_TO_SEARCH_URL`, `ARTICLES_TO_SEARCH_SECRET` and, during a rotation, `ARTICLES_TO_SEARCH_PREVIOUS_SECRET`; each may be
 * read from a file.
 *
 * @throws ConfigError if it has an option that no webhook has
 *
 * @example
 * import { defineWebhook } from 'hasura-sync-worker'
 * import { syncUsers } from './sync-users.ts'
 *
 * export const usersToSearch = defineWebhook({ name: 'users-to-search', tables: [syncUsers.mirror] })
 */
export function defineWebhook<const N extends string>(options: WebhookOptions<N>): JobDefinition<N, typeof payload> {
  checkFields<WebhookOptions<N>>('webhook', options, optionNames)
  const { name, tables, schedule = { everySeconds: 300 } } = options
  const settings = createWebhookSettings(name)
  const createExchange = keepLast(createPublicExchange)
  const job = defineJob({
    name,
    payload,
    schedule,
    settings: settings.schema,
    follows: tables.map(({ into }) => into),
    waitsFor: 'receiver',
    // A replay has moved the position before it stops: its retry sends the rest.
    payloadOfRetry: (given, errorCode = '') =>
      stopping.has(errorCode) ? { resume: true } : { ...Object(given), resume: true },
    async run({ account }, context): Promise<JobResult> {
      const target = settings.read(context.settings)
      const exchange = createExchange(target.privateHosts)
      return runWebhook(options, { account: account.name, webhook: name }, { ...target, exchange }, context, () =>
        context.request(job, {}),
      )
    },
  })
  return job
}

/** Its connections are reused between runs, as long as the same hosts are allowed. */
function keepLast(create: (hosts: readonly string[]) => Exchange): (hosts: readonly string[]) => Exchange {
  let last: { readonly key: string; readonly exchange: Exchange } | undefined
  return hosts => {
    const key = hosts.join(' ')
    if (last?.key !== key) last = { key, exchange: create(hosts) }
    return last.exchange
  }
}

interface Receiver extends WebhookTarget {
  readonly exchange: Exchange
}

type WebhookContext = JobContext<z.output<typeof payload>>

async function runWebhook(
  { tables, rows = false }: WebhookOptions,
  subscription: SubscriptionName,
  receiver: Receiver,
  context: WebhookContext,
  requestRest: () => Promise<unknown>,
): Promise<JobResult> {
  const { clock, log, requestId, payload } = context
  const { account, webhook } = subscription
  const reader = `webhook:${webhook}`
  const wish = {
    requestId,
    resume: payload.resume === true,
    after: payload.after,
    reader,
    tables: tables.map(t => t.into),
  }
  const { state, epoch } = await context.transaction(tx => openSubscription(tx, subscription, receiver.url, wish))
  if (state !== 'live') {
    const resume = `npm run -s cli -- enqueue ${webhook} --account ${account} --payload '{"resume":true}'`
    log.warn({ state }, `nothing is sent until the subscription is resumed: ${resume}`)
    return { counts: { read: 0 } }
  }
  const startedAt = clock.elapsed()
  const receiverTime = createServerTime(clock)
  let read = 0
  let pages = 0
  let isCut = false
  for (const [index, table] of tables.entries()) {
    // Each table gets a share of the turn, so that none waits until another is done.
    const endsAt = startedAt + (turnMs * (index + 1)) / tables.length
    const mayGoOn = () => {
      const isOver = clock.elapsed() >= endsAt
      isCut ||= isOver
      return !isOver
    }
    const limit = rows ? pageSizes.rows : pageSizes.keys
    await followInParts(context, { reader, table, account, limit, mayGoOn }, async function* ({ changes, position }) {
      const sent = rows ? await withRows(context.store, table, changes) : changes.map(withoutAccount)
      const messages = buildMessages({ webhook, account, table: table.into, epoch }, sent)
      // A full page may end within its last message, which the next page has whole. So a message depends only on where it starts,
      // and keeps its id if it is sent again from another page.
      const isCutShort = changes.length === limit && messages.length > 1
      for (const message of isCutShort ? messages.slice(0, -1) : messages) {
        const delivery = await context.sending(receiver.url, () =>
          deliver(receiver.exchange, message, receiver, { signal: context.signal, clock, receiverTime }),
        )
        if (delivery.kind === 'gone') await end(subscription, receiver, context)
        if (delivery.kind === 'failed') await fail(subscription, delivery, context)
        pages += 1
        read += message.count
        yield { to: message.to, commit: tx => noteDelivered(tx, subscription) }
      }
      if (messages.length === 0) yield { to: position }
    })
  }
  if (isCut) await requestRest()
  return { counts: { read, pages } }
}

function withoutAccount({ position, op, key }: Change) {
  return { position, op, key }
}

async function end(subscription: SubscriptionName, { url }: Receiver, context: WebhookContext): Promise<never> {
  await context.transaction(tx => noteEnded(tx, subscription))
  throw new PermanentError('webhook-ended', {
    found: `${url.host} answered HTTP 410, which ends the subscription "${subscription.webhook}"`,
    remedy: `remove the webhook from the list of jobs, or run "npm run -s cli -- retry ${context.requestId}" to resume it`,
  })
}

async function fail(
  subscription: SubscriptionName,
  { found, remedy, retryAfterMs }: FailedDelivery,
  context: WebhookContext,
): Promise<never> {
  const state = await context.transaction(tx => noteFailed(tx, subscription))
  if (state === 'parked') {
    throw new PermanentError('webhook-parked', {
      found: `Webhook "${subscription.webhook}" is parked, because no message was accepted in three days of attempts (${found})`,
      remedy: `${remedy ?? 'check the receiver'}, then run "npm run -s cli -- retry ${context.requestId}" to resume it`,
    })
  }
  throw new OutageError(
    'webhook',
    'job',
    { found: `Webhook "${subscription.webhook}" can't deliver (${found})`, remedy },
    retryAfterMs === undefined ? {} : { retryAfterMs },
  )
}
