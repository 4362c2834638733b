import { z } from 'zod'
import { tablesOf } from '../../definitions/account-jobs.ts'
import { sayRule } from '../../time/schedule-rule.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { badge, bars, count, jobLink, table, tableLink, waitingLink } from '../parts.ts'
import { findLag } from '../read/overview.ts'
import { findHistory } from '../read/runs.ts'
import { isLate, sayLag } from './overview.ts'

export const jobsPage = definePage({
  name: 'jobs',
  label: 'Jobs',
  query: z.object({}),
  async render({ reading }) {
    const jobs = [...reading.deps.jobs.values()]
    const names = jobs.map(({ name }) => name)
    const [lag, history] = await Promise.all([findLag(reading), findHistory(reading, names, undefined)])
    const lagOf = new Map(lag.map(row => [row.job, row]))
    return {
      title: 'Jobs',
      main: table(
        'Jobs',
        [
          { title: 'Job', cell: job => jobLink(job.name) },
          { title: 'Schedule', cell: job => (job.schedule ? sayRule(job.schedule) : 'on demand') },
          {
            title: 'Last success',
            cell: job => {
              const row = lagOf.get(job.name)
              return row ? html`${sayLag(row.lag_ms)} ${isLate(row) && badge('late')}` : '–'
            },
          },
          { title: 'Accounts', isNumber: true, cell: job => count(lagOf.get(job.name)?.accounts ?? 0) },
          {
            title: 'Waiting',
            isNumber: true,
            cell: job => waitingLink({ job: job.name }, lagOf.get(job.name)?.waiting ?? 0),
          },
          {
            title: 'Writes',
            cell: job => tablesOf(job).map(name => html`${tableLink(name)} `),
          },
          {
            title: 'Rows of the last runs',
            cell: job => {
              const rows = (history.get(job.name) ?? []).map(each => each.rows)
              return rows.length > 0
                ? bars(rows, `Rows changed by the last ${rows.length} runs, ${count(rows.at(-1) ?? 0)} by the last one`)
                : '–'
            },
          },
        ],
        jobs,
        'There is no job.',
      ),
    }
  },
})
