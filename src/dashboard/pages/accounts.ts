import { z } from 'zod'
import { nameValue } from '../../operations/values.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { accountLink, badge, count, filterForm, pager, table, waitingLink, when } from '../parts.ts'
import { findAccounts } from '../read/accounts.ts'

const most = 100

export const accountsPage = definePage({
  name: 'accounts',
  label: 'Accounts',
  query: z.object({ search: nameValue.optional(), held: z.literal('yes').optional(), after: nameValue.optional() }),
  async render({ reading }, query) {
    const { search, held, after } = query
    const found = await findAccounts(reading, { search, after, isHeld: held === 'yes', limit: most })
    return {
      title: 'Accounts',
      main: html`${filterForm('accounts', [
        { name: 'search', label: 'Name', value: search },
        { name: 'held', label: 'Held', value: held, options: ['yes'] },
      ])}
<p>${count(found.total)} ${found.total === 1 ? 'account' : 'accounts'}.</p>
${table(
  'Accounts',
  [
    { title: 'Account', cell: row => accountLink(row.name) },
    {
      title: 'State',
      cell: row => badge(row.holds > 0 ? 'held' : row.running > 0 ? 'running' : row.waiting > 0 ? 'waiting' : 'idle'),
    },
    { title: 'First login', cell: row => badge(row.first_login) },
    { title: 'Bootstrapped', cell: row => when(row.bootstrapped_at) },
    {
      title: 'Waiting',
      isNumber: true,
      cell: row => waitingLink({ account: row.name }, row.waiting),
    },
    { title: 'Token until', cell: row => when(row.token_until) },
  ],
  found.accounts,
  'No accounts match.',
)}
${found.hasMore && pager('accounts', { ...query, after: found.accounts.at(-1)?.name })}`,
    }
  },
})
