import { hash } from 'node:crypto'
import { sql } from 'kysely'
import { accountRows } from '../store/account-rows.ts'
import type { WebhookState } from '../store/schema.ts'
import type { FencedTransaction } from '../store/store.ts'

export const webhookRows = accountRows('worker.webhooks')

export interface SubscriptionName {
  readonly account: string
  readonly webhook: string
}

/** The state of a webhook's subscription for one account; its positions are those of its reader of changes. */
export interface Subscription {
  readonly state: WebhookState
  readonly epoch: string
}

/** What a request asks of a subscription besides sending new changes. It is done once per request, however often that runs. */
export interface Wish {
  readonly requestId: string
  readonly resume: boolean
  /** The position to replay from. */
  readonly after: string | undefined
  /** The reader and the tables whose positions move back. */
  readonly reader: string
  readonly tables: readonly string[]
}

/** Finds or creates the subscription. A parked or ended one becomes live again with another URL, or on request. */
export async function openSubscription(
  tx: FencedTransaction,
  { account, webhook }: SubscriptionName,
  url: URL,
  { requestId, resume, after, reader, tables }: Wish,
): Promise<Subscription> {
  const isAsked = resume || after !== undefined
  // A URL may contain a secret.
  const address = hash('sha256', url.href, 'hex')
  const isWished = sql<boolean>`(${isAsked}::boolean and w.asked_by is distinct from ${requestId})`
  const isAnew = sql<boolean>`(w.address <> excluded.address or ${isWished})`
  if (after !== undefined) {
    await sql`
      update worker.change_readers r set position = least(r.position, ${after}::bigint)
      where r.reader = ${reader} and r.account = ${account} and r.mirror = any(${tables}::text[])
        and not exists (select from worker.webhooks w
          where w.account = ${account} and w.webhook = ${webhook} and w.asked_by = ${requestId})`.execute(tx)
  }
  const { rows } = await sql<Subscription>`
    insert into worker.webhooks as w (account, webhook, address, asked_by)
    values (${account}, ${webhook}, ${address}, ${isAsked ? requestId : null})
    on conflict (account, webhook) do update set
      state = case when ${isAnew} then 'live' else w.state end,
      failing_since = case when ${isAnew} then null else w.failing_since end,
      epoch = w.epoch + case when ${isWished} and ${after !== undefined}::boolean then 1 else 0 end,
      asked_by = coalesce(excluded.asked_by, w.asked_by),
      address = excluded.address
    returning w.state, w.epoch::text`.execute(tx)
  const [subscription] = rows
  if (!subscription) throw new TypeError('An upsert answers with its row')
  return subscription
}

export async function noteDelivered(tx: FencedTransaction, { account, webhook }: SubscriptionName): Promise<void> {
  await sql`
    update worker.webhooks set failing_since = null
    where account = ${account} and webhook = ${webhook} and failing_since is not null`.execute(tx)
}

/** @returns `parked` if no message was accepted in three days of attempts */
export async function noteFailed(tx: FencedTransaction, { account, webhook }: SubscriptionName): Promise<WebhookState> {
  // A pause has at most an hour: in a time of many, the worker was stopped or the account held.
  const untried = sql`case when failed_at < now() - interval '6 hours' then now() - failed_at else interval '0' end`
  const { rows } = await sql<Pick<Subscription, 'state'>>`
    update worker.webhooks set failing_since = coalesce(failing_since + ${untried}, now()), failed_at = now(),
      state = case when failing_since + ${untried} <= now() - interval '3 days' then 'parked' else state end
    where account = ${account} and webhook = ${webhook}
    returning state`.execute(tx)
  return rows[0]?.state ?? 'live'
}

/** The receiver wants no more messages. */
export async function noteEnded(tx: FencedTransaction, { account, webhook }: SubscriptionName): Promise<void> {
  await sql`update worker.webhooks set state = 'ended' where account = ${account} and webhook = ${webhook}`.execute(tx)
}
