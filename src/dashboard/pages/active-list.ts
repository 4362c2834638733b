import { describeSeconds } from '../../time/duration.ts'
import { type Html, html } from '../html.ts'
import type { PageContext } from '../page.ts'
import { accountLink, ask, badge, count, howLong, jobLink, link, table } from '../parts.ts'
import { type ActiveRow, readProgress } from '../read/runs.ts'
import { may } from '../viewer.ts'

/** What runs now, with its progress. */
export function activeList(
  { viewer, here, now }: Pick<PageContext, 'viewer' | 'here' | 'now'>,
  active: readonly ActiveRow[],
): Html {
  return table(
    'Running',
    [
      { title: 'Account', cell: run => accountLink(run.account) },
      { title: 'Job', cell: run => html`${jobLink(run.job)} ${run.trigger === 'dry-run' && badge('dry run')}` },
      {
        title: 'For',
        cell: run =>
          html`<a href="${link('run', { id: run.id })}">${howLong(roundedTo(5_000, now - run.started_at.getTime()))}</a>`,
      },
      { title: 'Progress', cell: run => progress(run.progress) },
      {
        title: 'Change',
        cell: run => may(viewer, 'operate') && ask('Cancel…', 'cancel', { id: run.request_id }, here),
      },
    ],
    active,
    'Nothing is running.',
  )
}

export function progress(value: unknown): Html | string {
  const read = readProgress(value)
  if (!read) return '–'
  const { done, total, rowsPerSecond, etaSeconds } = read
  const said = [
    total === undefined ? `${count(done)} rows` : `${count(done)} of ${count(total)} rows`,
    ...(rowsPerSecond ? [`${count(Math.round(rowsPerSecond))} a second`] : []),
    ...(etaSeconds ? [`${describeSeconds(etaSeconds)} left`] : []),
  ].join(', ')
  const bar = total && html`<progress max="${total}" value="${Math.min(done, total)}" aria-label="${said}"></progress> `
  return html`${bar || undefined}<span class="number">${said}</span>`
}

/** Rounded, so that the page isn't sent again every second. */
function roundedTo(step: number, ms: number): number {
  return Math.max(step, Math.floor(ms / step) * step)
}
