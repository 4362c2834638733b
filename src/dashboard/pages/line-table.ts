import { type Html, html } from '../html.ts'
import type { PageContext } from '../page.ts'
import { accountLink, badge, button, buttons, type Column, jobLink, link, table, waitingLink, when } from '../parts.ts'
import type { LineRow } from '../read/accounts.ts'
import { isLate } from './overview.ts'

type Line = LineRow & { readonly account: string }

/** @param by what is the same for all rows; `line` for one row on its own page */
export function lineTable(
  { viewer, here, now }: PageContext,
  lines: readonly Line[],
  by: 'account' | 'job' | 'line',
): Html {
  return table(
    by === 'job' ? 'Accounts of the job' : 'Jobs of the account',
    [
      by !== 'job'
        ? { title: 'Job', cell: line => jobLink(line.job) }
        : { title: 'Account', cell: line => accountLink(line.account) },
      {
        title: 'State',
        cell: line =>
          html`${badge(stateOf(line))} ${line.paused && badge('paused')} ${isBehind(line, now) && badge('late')}`,
      },
      { title: 'Last success', cell: line => when(line.succeeded_at) },
      { title: 'Next', cell: line => when(line.paused ? null : line.next_run_at) },
      {
        title: 'Waiting',
        isNumber: true,
        cell: ({ account, job, waiting }) => waitingLink({ account, job }, waiting),
      },
      ...(by === 'line' ? [] : [details]),
      {
        title: 'Change',
        cell: ({ account, job, paused }) =>
          buttons(
            viewer,
            button('Run now', 'run', { account, job }, here),
            paused !== null && button(paused ? 'Resume' : 'Pause', paused ? 'resume' : 'pause', { account, job }, here),
          ),
      },
    ],
    lines,
    'None.',
  )
}

const details: Column<Line> = {
  title: 'More',
  cell: ({ account, job }) => html`<a href="${link('line', { account, job })}">Details</a>`,
}

function stateOf({ running, held, waiting }: Line): string {
  if (running) return 'running'
  if (held) return 'held'
  return waiting > 0 ? 'waiting' : 'idle'
}

function isBehind({ succeeded_at: at, every_ms, paused }: Line, now: number): boolean {
  return !paused && isLate({ lag_ms: at && now - at.getTime(), every_ms })
}
