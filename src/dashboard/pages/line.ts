import { z } from 'zod'
import { jobsOf } from '../../definitions/account-jobs.ts'
import { propertiesOf } from '../../definitions/payload-properties.ts'
import { NotFoundError } from '../../errors.ts'
import { getNamed } from '../../names/find-named.ts'
import { nameValue } from '../../operations/values.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { accountLink, ask, buttons, jobLink, link } from '../parts.ts'
import { findLines } from '../read/accounts.ts'
import { findHeld } from '../read/holds.ts'
import { findActive, findRuns } from '../read/runs.ts'
import { activeList } from './active-list.ts'
import { holdList } from './hold-list.ts'
import { lineTable } from './line-table.ts'
import { runTable } from './run-table.ts'

/** One job of one account: what it does, and all that can be done with it. */
export const linePage = definePage({
  name: 'line',
  query: z.object({ account: nameValue, job: nameValue }),
  async render(context, line) {
    const { reading, viewer, here } = context
    const job = getNamed('job', reading.deps.jobs, line.job)
    const { account } = getNamed('account', reading.deps.accounts, line.account)
    if (jobsOf(account, [job]).length === 0) {
      throw new NotFoundError({
        found: `Job ${job.name} doesn't run for account "${account.name}"`,
        remedy: 'choose one of its jobs',
      })
    }
    const [lines, held, active, runs] = await Promise.all([
      findLines(reading, [line]),
      findHeld(reading, { ...line, limit: 10 }),
      findActive(reading, { ...line, limit: 1 }),
      findRuns(reading, { ...line, limit: 20 }),
    ])
    const takes = propertiesOf(job.payload)
    return {
      title: `${job.name} for ${account.name}`,
      main: html`<p>${accountLink(account.name)} · ${jobLink(job.name)} · <a href="${link('requests', line)}">Requests</a> · <a href="${link('runs', line)}">All runs</a></p>
${held.total > 0 && html`<section><h2>Holds</h2>${holdList(context, held.holds)}</section>`}
${active.total > 0 && html`<section><h2>Running</h2>${activeList(context, active.active)}</section>`}
${lineTable(context, lines, 'line')}
${buttons(
  viewer,
  takes.includes('full') && ask('Read everything again…', 'full', line, here),
  job.canDryRun && ask('Dry run…', 'dry-run', line, here),
  ask('Cancel its requests…', 'cancel', line, here),
  ask('Reset…', 'reset', line, here),
)}
<section><h2>Last runs</h2>${runTable(runs.runs, 'None of the newest runs is one of these.')}</section>`,
    }
  },
})
