import { z } from 'zod'
import { jobsOf, tablesOf } from '../../definitions/account-jobs.ts'
import { propertiesOf } from '../../definitions/payload-properties.ts'
import { getNamed } from '../../names/find-named.ts'
import { nameValue } from '../../operations/values.ts'
import { sayRule } from '../../time/schedule-rule.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { ask, bars, buttons, count, facts, howLong, link, pager, tableLink } from '../parts.ts'
import { findLines, sayRequirement } from '../read/accounts.ts'
import { findHistory, findRuns } from '../read/runs.ts'
import { lineTable } from './line-table.ts'
import { runTable } from './run-table.ts'

const most = 50

export const jobPage = definePage({
  name: 'job',
  query: z.object({ name: nameValue, after: nameValue.optional() }),
  async render(context, { name, after }) {
    const { reading, viewer, here } = context
    const job = getNamed('job', reading.deps.jobs, name)
    const accounts = [...reading.deps.accounts.values()]
      .filter(({ account }) => jobsOf(account, [job]).length > 0)
      .map(({ account }) => account.name)
      .toSorted()
    const rest = after === undefined ? accounts : accounts.filter(each => each > after)
    const shown = rest.slice(0, most)
    const [lines, history, runs] = await Promise.all([
      findLines(
        reading,
        shown.map(account => ({ account, job: name })),
      ),
      findHistory(reading, [name], undefined),
      findRuns(reading, { job: name, limit: 10 }),
    ])
    const past = history.get(name) ?? []
    const takes = propertiesOf(job.payload)
    return {
      title: `Job ${name}`,
      main: html`${facts([
        ['Schedule', job.schedule ? sayRule(job.schedule) : 'on demand'],
        ['Requires', sayRequirement(job.requirement)],
        ['Writes', tablesOf(job).map(into => html`${tableLink(into)} `)],
        ['Payload', takes.join(', ') || 'none'],
        ['Accounts', count(accounts.length)],
        ['Last run took', howLong(past.at(-1)?.ms)],
      ])}
${
  past.length > 0 &&
  html`<p>${bars(
    past.map(each => each.ms),
    `Durations of the last ${past.length} runs`,
  )} durations · ${bars(
    past.map(each => each.rows),
    `Rows changed by the last ${past.length} runs`,
  )} rows of the last ${past.length} runs</p>`
}
${buttons(
  viewer,
  ask('Run now for all accounts…', 'run', { job: name }, here),
  takes.includes('full') && ask('Read everything again…', 'full', { job: name }, here),
  job.canDryRun && ask('Dry run…', 'dry-run', { job: name, account: shown.length === 1 ? shown[0] : undefined }, here),
  ask('Retry all that failed…', 'retry', { job: name, state: 'failed' }, here),
  ask('Cancel all its requests…', 'cancel', { job: name }, here),
  ask('Pause…', 'pause', { job: name }, here),
  ask('Resume…', 'resume', { job: name }, here),
)}
<section><h2>Accounts</h2>${lineTable(context, lines, 'job')}${rest.length > most && pager('job', { name, after: shown.at(-1) })}</section>
<section><h2>Last runs</h2>${runTable(runs.runs, 'No runs yet.')}<p><a href="${link('runs', { job: name })}">All runs of ${name}</a></p></section>`,
    }
  },
})
