import { z } from 'zod'
import { NotFoundError } from '../../errors.ts'
import { nameValue } from '../../operations/values.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { accountLink, ask, badge, buttons, count, explained, facts, howLong, jobLink, link, when } from '../parts.ts'
import { findActive, findRun, findRunsOfRequest, type RunRow } from '../read/runs.ts'
import { progress } from './active-list.ts'
import { runTable, sayMaker } from './run-table.ts'

/** One run: what it did, how long it took, what ended it, and what was logged. */
export const runPage = definePage({
  name: 'run',
  query: z.object({ id: nameValue }),
  async render({ reading, viewer, here, runLog }, { id }) {
    const run = await findRun(reading, id)
    if (!run) throw new NotFoundError({ found: `There is no run "${id}"`, remedy: 'runs are kept for 90 days at most' })
    const siblings = await findRunsOfRequest(reading, run.request_id)
    const { active } = run.state === 'running' ? await findActive(reading, { ...run, limit: 1 }) : { active: [] }
    const lines = runLog.linesOf(run.id)
    const isDry = run.trigger === 'dry-run'
    return {
      title: `Run of ${run.job} for ${run.account}`,
      main: html`<p>${badge(run.state)} ${isDry && badge('dry run')} ${isDry && 'It changed nothing; the counts say what would change.'}</p>
${run.error_code !== null && html`<div class="card bad">${explained(run.error_code, run.error_found ?? '', run.error_remedy)}</div>`}
${active[0] && html`<p>${progress(active[0].progress)}</p>`}
${facts([
  ['Account', accountLink(run.account)],
  ['Job', jobLink(run.job)],
  ['Request', html`<a href="${link('request', { id: run.request_id })}">${run.request_id}</a>`],
  ['Attempt', count(run.attempt)],
  ['Made by', sayMaker(run.trigger, run.caller)],
  ['Began', when(run.started_at)],
  ['Ended', when(run.finished_at)],
  ['Took', howLong(run.ms)],
  ...Object.entries(run.counts ?? {}).map(
    ([name, value]) => [name === 'pages' ? 'Pages' : `Rows ${name}`, count(value)] as const,
  ),
  ...(run.from_position !== null || run.to_position !== null
    ? ([['Cursor', html`${run.from_position ?? 'the beginning'} → ${run.to_position ?? '–'}`]] as const)
    : []),
])}
${buttons(viewer, run.state === 'running' ? ask('Cancel…', 'cancel', { id: run.request_id }, here) : ask('Make its request again…', 'retry', { id: run.request_id }, here))}
<section><h2>Timeline of its request</h2>${timeline(siblings, run.id)}</section>
${siblings.length > 1 && html`<section><h2>Runs of its request</h2>${runTable(siblings, '')}</section>`}
<section><h2>Log</h2>${
        lines.length > 0
          ? html`<pre class="log">${lines.join('\n')}</pre>`
          : html`<p class="empty">No log lines here. Each process keeps the latest lines of its own runs, in memory.</p>`
      }</section>`,
    }
  },
})

/** Each attempt as a bar from its beginning to its end. */
function timeline(runs: readonly RunRow[], current: string) {
  const oldestFirst = runs.toReversed()
  const [first] = oldestFirst
  if (!first) return undefined
  const begin = first.started_at.getTime()
  const end = Math.max(...oldestFirst.map(run => run.started_at.getTime() + (run.ms ?? 0)), begin + 1)
  const place = (ms: number) => Math.round(((ms - begin) / (end - begin)) * 590)
  const height = oldestFirst.length * 14
  const said = `${oldestFirst.length} ${oldestFirst.length === 1 ? 'attempt' : 'attempts'}, the last one ${oldestFirst.at(-1)?.state}`
  return html`<svg class="timeline" role="img" aria-label="${said}" viewBox="0 0 600 ${height}" preserveAspectRatio="none">${oldestFirst.map(
    (run, index) => {
      const x = place(run.started_at.getTime())
      const width = Math.max(4, place(run.started_at.getTime() + (run.ms ?? 0)) - x)
      return html`<rect class="${run.state} ${run.id === current && 'current'}" x="${x}" y="${index * 14 + 2}" width="${width}" height="10"/>`
    },
  )}</svg><p class="meta">${said}, from ${when(first.started_at)}.</p>`
}
