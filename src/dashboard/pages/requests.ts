import { z } from 'zod'
import { listRequests } from '../../operations/request-reports.ts'
import { nameValue } from '../../operations/values.ts'
import { requestStates } from '../../states.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { accountLink, ask, badge, buttons, filterForm, jobLink, link, pager, table, when } from '../parts.ts'
import { placeValue } from '../wanted.ts'
import { sayMaker } from './run-table.ts'

const most = 50

/** Requests, and why each waiting one isn't running. */
export const requestsPage = definePage({
  name: 'requests',
  label: 'Requests',
  query: z.object({
    account: nameValue.optional(),
    job: nameValue.optional(),
    state: z.enum(requestStates).optional(),
    after: placeValue.optional(),
  }),
  async render({ reading, viewer, here }, query) {
    const { after: _, ...filter } = query
    const requests = await listRequests(reading, { ...query, limit: most })
    const { state } = filter
    const isFiltered = Object.values(filter).some(value => value !== undefined)
    const mayCancel = state === undefined || state === 'waiting' || state === 'running'
    const mayRetry = state === 'failed' || state === 'cancelled' || state === 'done'
    return {
      title: 'Requests',
      main: html`${filterForm('requests', [
        { name: 'account', label: 'Account', value: filter.account },
        { name: 'job', label: 'Job', value: filter.job },
        { name: 'state', label: 'State', value: state, options: requestStates },
      ])}
${
  requests.length > 0 &&
  buttons(
    viewer,
    mayRetry && ask(`Retry all ${state}…`, 'retry', filter, here),
    mayCancel && isFiltered && ask('Cancel all of these…', 'cancel', filter, here),
  )
}
${table(
  'Requests',
  [
    { title: 'Made', cell: row => html`<a href="${link('request', { id: row.id })}">${when(row.requestedAt)}</a>` },
    { title: 'Account', cell: row => accountLink(row.account) },
    { title: 'Job', cell: row => jobLink(row.job) },
    { title: 'State', cell: row => badge(row.state) },
    { title: 'Why', cell: row => row.failedReason ?? (row.waitsFor === undefined ? '' : `Waits for ${row.waitsFor}`) },
    { title: 'Made by', cell: row => sayMaker(row.trigger, row.caller) },
    { title: 'Ended', cell: row => when(row.endedAt) },
  ],
  requests,
  'No requests match.',
)}
${requests.length === most && pager('requests', { ...query, after: requests.at(-1)?.seq })}`,
    }
  },
})
