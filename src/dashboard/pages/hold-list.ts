import { type Html, html } from '../html.ts'
import type { PageContext } from '../page.ts'
import { accountLink, ask, button, buttons, count, explained, jobLink, link, when } from '../parts.ts'
import type { HeldRow } from '../read/holds.ts'
import { sayMissing } from './missing-list.ts'

/** Holds that a reset may lift. */
const resettable: ReadonlySet<string> = new Set(['fingerprint', 'mirror-table', 'deletion-guard'])

/** Each hold with its reason, its remedy and how to look again. */
export function holdList({ viewer, here }: Pick<PageContext, 'viewer' | 'here'>, holds: readonly HeldRow[]): Html {
  return html`<ul class="cards">${holds.map(hold => {
    const line = { account: hold.account, job: hold.job || undefined }
    return html`<li class="card bad"><h3>${accountLink(hold.account)} ${hold.job ? html`· ${jobLink(hold.job)}` : '· every job'}</h3>
${explained(hold.code, hold.found, hold.remedy)}
${hold.code === 'deletion-guard' && keptRows(hold)}<p class="meta">Held since ${when(hold.since)}. ${sayWaiting(hold)} ${
      hold.asked_until
        ? html`The API asked to pause until ${when(hold.asked_until)}.`
        : html`The worker looks again at ${when(hold.probe_at)}.`
    } <a href="${link('runs', { ...line, state: 'refused' })}">Refused runs</a></p>
${buttons(
  viewer,
  !hold.asked_until && button('Look again now', 'probe', line, here),
  hold.missing && ask('Allow these deletions…', 'allow-deletions', line, here),
  hold.job && resettable.has(hold.code) && ask('Reset…', 'reset', line, here),
)}</li>`
  })}</ul>`
}

function keptRows({ account, job, missing }: HeldRow): Html {
  if (!missing) return html`<p class="meta">The next look finds out which rows are missing.</p>`
  return html`<p class="meta">${sayMissing(missing)} <a href="${link('missing', { account, job })}">Which rows</a></p>`
}

function sayWaiting({ waiting }: HeldRow): string {
  if (waiting === 0) return 'No requests are waiting.'
  if (waiting === 1) return '1 request is waiting.'
  return `${waiting >= 1_000 ? '1,000 or more' : count(waiting)} requests are waiting.`
}
