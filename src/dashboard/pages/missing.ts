import { z } from 'zod'
import { nameValue } from '../../operations/values.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { accountLink, ask, buttons, jobLink, link } from '../parts.ts'
import { findMissing } from '../read/missing-rows.ts'
import { missingList } from './missing-list.ts'

/** Which rows a deletion guard keeps. */
export const missingPage = definePage({
  name: 'missing',
  query: z.object({ account: nameValue, job: nameValue }),
  async render(context, line) {
    const [missing] = await findMissing(context.reading, line)
    const { account, job } = line
    return {
      title: `Missing rows of ${job} for ${account}`,
      main: html`<p>${accountLink(account)} · ${jobLink(job)} · <a href="${link('holds', line)}">Its hold</a></p>
${
  missing
    ? html`${await missingList(context, missing)}
${buttons(context.viewer, ask('Allow these deletions…', 'allow-deletions', line, context.here))}`
    : html`<p class="empty">No deletion guard keeps rows here. If one holds the job, its next run finds out which rows are missing.</p>`
}`,
    }
  },
})
