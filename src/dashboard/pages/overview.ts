import { z } from 'zod'
import { describeSeconds } from '../../time/duration.ts'
import { type Html, html } from '../html.ts'
import { definePage, type PageContext } from '../page.ts'
import { accountLink, ask, badge, count, explained, facts, jobLink, link, table, waitingLink, when } from '../parts.ts'
import { findHeld } from '../read/holds.ts'
import {
  type FailedRow,
  findFailedToday,
  findLag,
  findNextDue,
  findTotals,
  type LagRow,
  type Totals,
} from '../read/overview.ts'
import { findActive } from '../read/runs.ts'
import { may } from '../viewer.ts'
import { activeList } from './active-list.ts'
import { holdList } from './hold-list.ts'

/** Of each list: the rest is one link away. */
const most = 10

/** Is everything well, or is action needed? */
export const overviewPage = definePage({
  name: '',
  label: 'Overview',
  query: z.object({}),
  async render(context) {
    const { reading } = context
    const [totals, held, active, failed, lag, due] = await Promise.all([
      findTotals(reading),
      findHeld(reading, { limit: most }),
      findActive(reading, { limit: most }),
      findFailedToday(reading, most),
      findLag(reading),
      findNextDue(reading, 5),
    ])
    const late = lag.filter(isLate)
    return {
      title: 'Overview',
      main: html`${verdict(totals, late)}
${facts([
  ['Held', html`<a href="holds">${count(totals.held)}</a>`],
  ['Running', html`<a href="${link('requests', { state: 'running' })}">${count(totals.running)}</a>`],
  ['Waiting', html`<a href="${link('requests', { state: 'waiting' })}">${upTo(10_000, totals.waiting)}</a>`],
  ['Failed today', html`<a href="${link('requests', { state: 'failed' })}">${upTo(1_000, totals.failed)}</a>`],
  ['Worker processes', count(totals.workers)],
  ...(totals.stopped > 0
    ? [['Webhooks stopped', html`<a href="subscribers">${count(totals.stopped)}</a>`] as const]
    : []),
])}
${held.total > 0 && html`<section><h2>Held: action needed</h2>${holdList(context, held.holds)}${held.total > most && html`<p><a href="holds">All ${count(held.total)} holds</a></p>`}</section>`}
<section><h2>Running</h2>${activeList(context, active.active)}${active.total > most && html`<p>${count(active.total - most)} more are running.</p>`}</section>
<section><h2>Failed in the last 24 hours</h2>${failedList(context, failed, totals.failed)}</section>
<section><h2>Lag of each job</h2>${lagTable(lag)}</section>
<section><h2>Due next</h2>${table(
        'Due next',
        [
          { title: 'At', cell: row => when(row.next_run_at) },
          { title: 'Account', cell: row => accountLink(row.account) },
          { title: 'Job', cell: row => jobLink(row.job) },
        ],
        due,
        'Nothing is scheduled.',
      )}</section>`,
    }
  },
})

/** The one sentence for a glance. */
function verdict(totals: Totals, late: readonly LagRow[]): Html {
  const problems = [
    ...(totals.workers === 0 ? ['no worker is running'] : []),
    ...(totals.held > 0 ? [`${count(totals.held)} ${totals.held === 1 ? 'hold' : 'holds'}`] : []),
    ...(totals.failed > 0 ? [`${upTo(1_000, totals.failed)} failed today`] : []),
    ...(totals.stopped > 0
      ? [`${count(totals.stopped)} ${totals.stopped === 1 ? 'webhook sends' : 'webhooks send'} nothing`]
      : []),
    ...(late.length > 0 ? [`${late.map(({ job }) => job).join(', ')} ${late.length === 1 ? 'is' : 'are'} late`] : []),
  ]
  if (problems.length === 0) return html`<p class="verdict good" role="status">All is well. No action needed.</p>`
  return html`<p class="verdict bad" role="status">Action needed: ${problems.join('; ')}.</p>`
}

/** A number that was counted up to a limit. */
function upTo(limit: number, value: number): string {
  return value >= limit ? `${count(limit)} or more` : count(value)
}

/** Later than two ticks of its schedule and a minute. */
export function isLate({ lag_ms: lag, every_ms: every }: Pick<LagRow, 'lag_ms' | 'every_ms'>): boolean {
  return lag !== null && every !== null && lag > 2 * every + 60_000
}

function failedList({ viewer, here }: PageContext, failed: readonly FailedRow[], total: number): Html {
  if (failed.length === 0) return html`<p class="empty">Nothing failed.</p>`
  return html`<ul class="cards">${failed.map(
    row => html`<li class="card"><h3>${accountLink(row.account)} · ${jobLink(row.job)}</h3>${explained(row.error_code ?? undefined, row.error_found ?? '', row.error_remedy)}
<p class="meta">Failed at ${when(row.ended_at)}. <a href="${link('request', { id: row.id })}">Request and runs</a></p></li>`,
  )}</ul><div class="buttons">${total > failed.length && html`<a href="${link('requests', { state: 'failed' })}">All that failed</a>`}${may(viewer, 'operate') && ask('Retry all that failed…', 'retry', { state: 'failed' }, here)}</div>`
}

function lagTable(lag: readonly LagRow[]): Html {
  return table(
    'Lag of each job',
    [
      { title: 'Job', cell: row => jobLink(row.job) },
      {
        title: 'Last success',
        isNumber: true,
        cell: row => html`${sayLag(row.lag_ms)} ${isLate(row) && badge('late')}`,
      },
      { title: 'Furthest behind', cell: row => row.worst !== null && accountLink(row.worst) },
      { title: 'Accounts', isNumber: true, cell: row => count(row.accounts) },
      { title: 'Never succeeded', isNumber: true, cell: row => row.never > 0 && count(row.never) },
      {
        title: 'Waiting',
        isNumber: true,
        cell: row => waitingLink({ job: row.job }, row.waiting),
      },
      { title: 'Next', cell: row => when(row.next_at) },
    ],
    lag,
    'No worker is running.',
  )
}

/** In minutes, or in seconds below a minute by tens. */
export function sayLag(ms: number | null): string {
  if (ms === null) return 'never'
  const seconds = ms / 1_000
  return seconds < 60
    ? `${Math.floor(seconds / 10) * 10} s ago`
    : `${describeSeconds(Math.floor(seconds / 60) * 60)} ago`
}
