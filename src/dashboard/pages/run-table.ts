import { type Html, html } from '../html.ts'
import { accountLink, badge, count, howLong, jobLink, link, table, when } from '../parts.ts'
import type { RunRow } from '../read/runs.ts'

/** "12 inserted, 3 updated"; what is 0 is left out. */
function sayCounts(counts: RunRow['counts']): string {
  const said = Object.entries(counts ?? {})
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${count(value)} ${name === 'pages' && value === 1 ? 'page' : name}`)
  return said.join(', ') || '–'
}

export function runTable(runs: readonly RunRow[], empty: string): Html {
  return table(
    'Runs',
    [
      { title: 'Began', cell: run => html`<a href="${link('run', { id: run.id })}">${when(run.started_at)}</a>` },
      { title: 'Account', cell: run => accountLink(run.account) },
      { title: 'Job', cell: run => jobLink(run.job) },
      {
        title: 'State',
        cell: run => html`${badge(run.state)}${run.error_code !== null && html` <code>${run.error_code}</code>`}`,
      },
      { title: 'Took', isNumber: true, cell: run => howLong(run.ms) },
      { title: 'Rows', cell: run => sayCounts(run.counts) },
      { title: 'Made by', cell: run => run.trigger },
    ],
    runs,
    empty,
  )
}

/** What made a request, and who, if that says more. */
export function sayMaker(trigger: string, caller: string | null | undefined): string {
  return caller && caller !== trigger ? `${trigger}, ${caller}` : trigger
}
