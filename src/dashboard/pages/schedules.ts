import { z } from 'zod'
import { cursorOf } from '../../operations/pages.ts'
import { listSchedules } from '../../operations/schedules.ts'
import { nameValue } from '../../operations/values.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { accountLink, ask, badge, button, buttons, count, filterForm, jobLink, pager, table, when } from '../parts.ts'
import { may } from '../viewer.ts'

const most = 100

export const schedulesPage = definePage({
  name: 'schedules',
  label: 'Schedules',
  query: z.object({
    account: nameValue.optional(),
    job: nameValue.optional(),
    after: z.string().max(1_000).optional(),
  }),
  async render({ operations, viewer, here }, query) {
    const { account, job, after } = query
    const call = viewer.caller === undefined ? {} : { caller: viewer.caller }
    const all = (await operations.listSchedules({}, call)).filter(
      row => (account === undefined || row.account === account) && (job === undefined || row.job === job),
    )
    const cursor = listSchedules.cursor ?? []
    const start = after === undefined ? 0 : all.findIndex(row => cursorOf(row, cursor) === after) + 1
    const shown = all.slice(start, start + most)
    const last = shown.at(-1)
    const filter = { account, job }
    return {
      title: 'Schedules',
      main: html`${filterForm('schedules', [
        { name: 'account', label: 'Account', value: account },
        { name: 'job', label: 'Job', value: job },
      ])}
${all.length > 1 && buttons(viewer, ask(`Pause all ${count(all.length)}…`, 'pause', filter, here), ask(`Resume all ${count(all.length)}…`, 'resume', filter, here))}
${table(
  'Schedules',
  [
    { title: 'Account', cell: row => accountLink(row.account) },
    { title: 'Job', cell: row => jobLink(row.job) },
    { title: 'Rule', cell: row => html`${row.rule} ${row.paused && badge('paused')}` },
    { title: 'Last', cell: row => when(row.lastRunAt) },
    { title: 'Next', cell: row => when(row.nextDueAt) },
    { title: 'Missed', isNumber: true, cell: row => row.missed > 0 && count(row.missed) },
    {
      title: 'Change',
      cell: ({ account: own, job: name, paused }) =>
        may(viewer, 'operate') &&
        button(paused ? 'Resume' : 'Pause', paused ? 'resume' : 'pause', { account: own, job: name }, here),
    },
  ],
  shown,
  'No schedule is like this.',
)}
${last && start + most < all.length && pager('schedules', { ...query, after: cursorOf(last, cursor) })}`,
    }
  },
})
