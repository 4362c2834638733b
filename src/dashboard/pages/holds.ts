import { z } from 'zod'
import { refusalCodes } from '../../errors.ts'
import { nameValue } from '../../operations/values.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { ask, buttons, count, filterForm } from '../parts.ts'
import { findHeld } from '../read/holds.ts'
import { holdList } from './hold-list.ts'

const most = 50

export const holdsPage = definePage({
  name: 'holds',
  label: 'Holds',
  query: z.object({ account: nameValue.optional(), job: nameValue.optional(), code: nameValue.optional() }),
  async render(context, filter) {
    const { holds, total } = await findHeld(context.reading, { ...filter, limit: most })
    const codes = [...new Set([...refusalCodes, ...holds.map(({ code }) => code)])].toSorted()
    return {
      title: 'Holds',
      main: html`<p>A hold makes requests wait instead of failing. The worker looks again automatically, with growing pauses, and resumes once the cause is fixed.</p>
${filterForm('holds', [
  { name: 'account', label: 'Account', value: filter.account },
  { name: 'job', label: 'Job', value: filter.job },
  { name: 'code', label: 'Code', value: filter.code, options: codes },
])}
<p>${count(total)} ${total === 1 ? 'hold' : 'holds'}${total > most && `, of which the ${most} longest are shown`}.</p>
${total > 1 && buttons(context.viewer, ask(`Look again at all ${count(total)}…`, 'probe', filter, context.here))}
${holds.length > 0 ? html`<section><h2>What is held</h2>${holdList(context, holds)}</section>` : html`<p class="empty">Nothing is held.</p>`}`,
    }
  },
})
