import { z } from 'zod'
import { nameValue } from '../../operations/values.ts'
import { actions } from '../actions/list.ts'
import { findAudit } from '../audit.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { badge, count, filterForm, pager, table, when } from '../parts.ts'
import { placeValue, sayWanted } from '../wanted.ts'

const most = 50

/** Who changed what. */
export const auditPage = definePage({
  name: 'audit',
  label: 'Audit',
  query: z.object({
    account: nameValue.optional(),
    viewer: nameValue.optional(),
    action: nameValue.optional(),
    before: placeValue.optional(),
  }),
  async render({ reading, viewer }, query) {
    const rows = await findAudit(reading, viewer.caller, { ...query, limit: most })
    return {
      title: 'Audit',
      main: html`${filterForm('audit', [
        { name: 'account', label: 'Account', value: query.account },
        { name: 'viewer', label: 'Who', value: query.viewer },
        { name: 'action', label: 'What', value: query.action, options: Object.keys(actions) },
      ])}
${table(
  'Changes by the dashboard',
  [
    { title: 'When', cell: row => when(row.at) },
    { title: 'Who', cell: row => html`${row.viewer} ${row.caller !== null && html`<code>${row.caller}</code>`}` },
    { title: 'What', cell: row => actions[row.action]?.title ?? row.action },
    { title: 'Target', cell: row => sayWanted(row.wanted) },
    { title: 'How many', isNumber: true, cell: row => row.affected !== null && count(row.affected) },
    { title: 'Outcome', cell: row => html`${badge(row.outcome ?? 'not ended')} ${row.told ?? undefined}` },
  ],
  rows,
  'No changes yet.',
)}
${rows.length === most && pager('audit', { ...query, before: rows.at(-1)?.id })}`,
    }
  },
})
