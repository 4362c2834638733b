import { sql } from 'kysely'
import { z } from 'zod'
import { lastChanges } from '../../mirror/change-counter.ts'
import { findMirrorTables } from '../../mirror/find-mirror-tables.ts'
import type { Reading } from '../../operations/operation.ts'
import { nameValue } from '../../operations/values.ts'
import { isWanted } from '../../store/is-wanted.ts'
import type { WebhookState } from '../../store/schema.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { accountLink, badge, count, filterForm, jobLink, table, tableLink, when } from '../parts.ts'
import { own } from '../read/reading.ts'

const most = 100

/** Who gets changes: webhooks, and readers of the change feed. */
export const subscribersPage = definePage({
  name: 'subscribers',
  label: 'Subscribers',
  query: z.object({ account: nameValue.optional() }),
  async render({ reading }, { account }) {
    const [webhooks, readers] = await Promise.all([findWebhooks(reading, account), findReaders(reading, account)])
    return {
      title: 'Subscribers',
      main: html`${filterForm('subscribers', [{ name: 'account', label: 'Account', value: account }])}
<section><h2>Webhooks</h2>${table(
        'Webhooks',
        [
          { title: 'Account', cell: row => accountLink(row.account) },
          { title: 'Webhook', cell: row => jobLink(row.webhook) },
          { title: 'State', cell: row => badge(row.state) },
          { title: 'Failing since', cell: row => when(row.failing_since) },
        ],
        webhooks,
        'No webhook has a subscription.',
      )}</section>
<section><h2>Readers of changes</h2>${table(
        'Readers of changes',
        [
          { title: 'Reader', cell: row => row.reader },
          {
            title: 'Table',
            cell: row => tableLink(row.mirror),
          },
          { title: 'Account', cell: row => (row.account === '' ? 'all' : accountLink(row.account)) },
          { title: 'Changes behind', isNumber: true, cell: row => count(BigInt(row.behind)) },
          { title: 'Moved', cell: row => when(row.updated_at) },
        ],
        readers,
        'Nobody reads changes.',
      )}</section>`,
    }
  },
})

async function findWebhooks(reading: Reading, account: string | undefined) {
  const { rows } = await sql<{ account: string; webhook: string; state: WebhookState; failing_since: Date | null }>`
    select account, webhook, state, failing_since from worker.webhooks where ${own(reading)} and ${isWanted('account', account)}
    order by failing_since nulls last, account, webhook limit ${most}`.execute(reading.deps.store)
  return rows
}

/** A reader of all accounts is shown only to viewers who may use all. */
async function findReaders(reading: Reading, account: string | undefined) {
  const { store } = reading.deps
  const names = await findMirrorTables(store)
  const { rows } = await sql<{ reader: string; mirror: string; account: string; behind: string; updated_at: Date }>`
    select r.reader, r.mirror, r.account, greatest(0, coalesce(c.last, 0) - r.position)::text as behind, r.updated_at
    from worker.change_readers r left join (${lastChanges(names)}) c on c.mirror = r.mirror
    where ${own(reading, 'r.account')} and ${isWanted('r.account', account)}
    order by coalesce(c.last, 0) - r.position desc, r.reader, r.account limit ${most}`.execute(store)
  return rows
}
