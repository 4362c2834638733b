import { z } from 'zod'
import { tablesOf } from '../../definitions/account-jobs.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { count, jobLink, table, tableLink } from '../parts.ts'
import { findTables } from '../read/tables.ts'

export const tablesPage = definePage({
  name: 'tables',
  label: 'Tables',
  query: z.object({}),
  async render({ reading }) {
    const tables = await findTables(reading)
    const makers = new Map(
      [...reading.deps.jobs.values()].flatMap(job => tablesOf(job).map(into => [into, job.name] as const)),
    )
    return {
      title: 'Tables',
      main: table(
        'Mirror tables',
        [
          { title: 'Table', cell: row => tableLink(row.name) },
          {
            title: 'Written by',
            cell: row => {
              const maker = makers.get(row.name)
              return maker === undefined ? html`<span class="none">no job of this worker</span>` : jobLink(maker)
            },
          },
          { title: 'Rows', isNumber: true, cell: row => `${row.isEstimate ? 'about ' : ''}${count(row.rows)}` },
          {
            title: 'Changes so far',
            isNumber: true,
            cell: row => (row.last_change === null ? '–' : count(BigInt(row.last_change))),
          },
        ],
        tables,
        'No job has made a mirror table yet.',
      ),
    }
  },
})
