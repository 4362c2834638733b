import { z } from 'zod'
import { jobsOf } from '../../definitions/account-jobs.ts'
import { type ListedLive, listLiveStates } from '../../live/live-lease.ts'
import { getNamed } from '../../names/find-named.ts'
import { nameValue } from '../../operations/values.ts'
import { type Html, html } from '../html.ts'
import { definePage } from '../page.ts'
import { accountLink, ask, badge, buttons, explained, facts, link, table, when } from '../parts.ts'
import { findAccounts, findLastRefusal, findLines, findTokenFacts, type TokenFacts } from '../read/accounts.ts'
import { findHeld } from '../read/holds.ts'
import { findActive, findRuns } from '../read/runs.ts'
import { activeList } from './active-list.ts'
import { holdList } from './hold-list.ts'
import { lineTable } from './line-table.ts'
import { runTable } from './run-table.ts'

/** Why is an account held, and what does it do? */
export const accountPage = definePage({
  name: 'account',
  query: z.object({ name: nameValue }),
  async render(context, { name }) {
    const { reading, viewer, here } = context
    const { account } = getNamed('account', reading.deps.accounts, name)
    const jobs = jobsOf(account, reading.deps.jobs.values())
    const [{ accounts }, held, active, lines, refusal, runs, live] = await Promise.all([
      findAccounts(reading, { search: name, limit: 1_000 }),
      findHeld(reading, { account: name, limit: 20 }),
      findActive(reading, { account: name, limit: 20 }),
      findLines(
        reading,
        jobs.map(job => ({ account: name, job: job.name })),
      ),
      findLastRefusal(reading, name),
      findRuns(reading, { account: name, limit: 10 }),
      listLiveStates(reading.deps.store),
    ])
    const row = accounts.find(each => each.name === name)
    const token = findTokenFacts(reading, name)
    return {
      title: `Account ${name}`,
      main: html`${held.total > 0 ? html`<p class="verdict bad" role="status">It is held: see why below.</p><section><h2>Holds</h2>${holdList(context, held.holds)}</section>` : html`<p class="verdict good" role="status">Nothing is held.</p>`}
${active.total > 0 && html`<section><h2>Running</h2>${activeList(context, active.active)}</section>`}
<section><h2>Jobs</h2>${lineTable(context, lines, 'account')}</section>
${liveList(live.get(name) ?? [])}<section><h2>Login</h2>${tokenFacts(token)}
${facts([
  ['Client', account.login.clientId],
  ['Method', account.login.method],
  ['Hasura', account.hasura?.url ?? 'none'],
  ['First login', html`${badge(row?.first_login ?? 'pending')} ${row?.first_login_note ?? undefined}`],
  ['Bootstrapped', when(row?.bootstrapped_at)],
])}
${refusal && html`<h3>Last refusal</h3><div class="card">${explained(refusal.error_code ?? undefined, refusal.error_found ?? '', refusal.error_remedy)}<p class="meta"><a href="${link('run', { id: refusal.id })}">${refusal.job}</a> at ${when(refusal.started_at)}. ${held.total === 0 && 'No longer held.'}</p></div>`}</section>
<section><h2>Last runs</h2>${runTable(runs.runs, 'None of the newest runs is of this account.')}<p><a href="${link('runs', { account: name })}">All runs of ${name}</a></p></section>
${buttons(viewer, ask('Run all its jobs now…', 'run', { account: name }, here), ask('Read everything again…', 'full', { account: name }, here), ask('Cancel its requests…', 'cancel', { account: name }, here), ask('Pause its schedules…', 'pause', { account: name }, here), ask('Resume its schedules…', 'resume', { account: name }, here))}
${account.callers && html`<p class="meta">Over HTTP, only ${account.callers.join(', ')} may use it.</p>`}
<p class="meta">${accountLink(name)} in <a href="${link('requests', { account: name })}">requests</a> and <a href="${link('audit', { account: name })}">audit</a>.</p>`,
    }
  },
})

/** The state of subscriptions, if a job is live. */
function liveList(states: readonly ListedLive[]): Html | false {
  return (
    states.length > 0 &&
    html`<section><h2>Live</h2>${table(
      'Jobs that are live',
      [
        { title: 'Job', cell: ({ job }) => job },
        { title: 'State', cell: ({ state }) => badge(state) },
        { title: 'Since', cell: ({ since }) => when(new Date(since)) },
        {
          title: 'Why',
          cell: ({ problem }) => problem && explained(problem.code, problem.found, problem.remedy),
        },
      ],
      states,
      'No job is live.',
    )}</section>`
  )
}

function tokenFacts(token: TokenFacts | undefined): Html {
  if (!token) return html`<p class="empty">This process has no token for it yet: the next run gets one.</p>`
  const { roles, missing } = token
  return html`${facts([
    ['Token until', when(token.expiresAt)],
    ['Issued', when(token.issuedAt)],
    ['Issuer', token.issuer],
    ['Subject', token.subject],
    ['Scopes', token.scopes.join(' ')],
  ])}${missing.length > 0 && html`<p class="verdict bad">Missing in the token: ${missing.join(', ')}. Jobs of the account require it.</p>`}${table(
    'Roles in the token',
    [
      { title: 'Role held', cell: role => role.name },
      {
        title: 'Used by',
        cell: role => (role.jobs.length > 0 ? role.jobs.join(', ') : html`<span class="none">no job</span>`),
      },
    ],
    roles,
    'The token holds no role.',
  )}`
}
