import { z } from 'zod'
import { nameValue } from '../../operations/values.ts'
import { runStates, triggers } from '../../states.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { filterForm, pager } from '../parts.ts'
import { findRuns } from '../read/runs.ts'
import { placeValue } from '../wanted.ts'
import { runTable } from './run-table.ts'

const most = 50
/** As an `<input type="datetime-local">` sends it, or with a zone; without one it is UTC. */
const instant = z
  .string()
  .regex(
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?(Z|[+-]\d\d:\d\d)?$/,
    'is no instant, such as 2026-11-27T08:00',
  )
  .refine(text => !Number.isNaN(toDate(text).getTime()), 'is no instant')

const runTriggers = [...triggers, 'dry-run'] as const

export const runsPage = definePage({
  name: 'runs',
  label: 'Runs',
  query: z.object({
    account: nameValue.optional(),
    job: nameValue.optional(),
    state: z.enum(runStates).optional(),
    trigger: z.enum(runTriggers).optional(),
    since: instant.optional(),
    until: instant.optional(),
    before: placeValue.optional(),
  }),
  async render({ reading }, query) {
    const { since, until, before, ...filter } = query
    const found = await findRuns(reading, {
      ...filter,
      before,
      limit: most,
      since: since === undefined ? undefined : toDate(since),
      until: until === undefined ? undefined : toDate(until),
    })
    return {
      title: 'Runs',
      main: html`${filterForm('runs', [
        { name: 'account', label: 'Account', value: filter.account },
        { name: 'job', label: 'Job', value: filter.job },
        { name: 'state', label: 'State', value: filter.state, options: runStates },
        { name: 'trigger', label: 'Made by', value: filter.trigger, options: runTriggers },
        { name: 'since', label: 'From (UTC)', value: toInput(since), type: 'datetime-local' },
        { name: 'until', label: 'Before (UTC)', value: toInput(until), type: 'datetime-local' },
      ])}
${runTable(found.runs, found.isPartial ? 'None of these runs match. Older ones may.' : 'No runs match.')}
${found.isPartial && html`<p class="meta">One page looks at 50,000 runs at most.</p>`}
${found.next !== undefined && pager('runs', { ...query, before: found.next })}`,
    }
  },
})

function toDate(text: string): Date {
  const isZoned = /(Z|[+-]\d\d:\d\d)$/.test(text)
  return new Date(isZoned || !text.includes('T') ? text : `${text}Z`)
}

/** A browser shows nothing else in such a field than a time without a zone, and sends what it shows. */
function toInput(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const iso = toDate(text).toISOString()
  return iso.replace(/(?::00)?\.000Z$|Z$/, '')
}
