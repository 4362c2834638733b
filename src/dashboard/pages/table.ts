import { z } from 'zod'
import { requireMirrorTable } from '../../operations/mirror-tables.ts'
import { nameValue } from '../../operations/values.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { badge, bars, count, facts, table } from '../parts.ts'
import { findLatestRows, findTableFacts } from '../read/tables.ts'
import { may } from '../viewer.ts'

export const tablePage = definePage({
  name: 'table',
  query: z.object({ name: nameValue }),
  async render({ reading, viewer }, { name: wanted }) {
    const name = await requireMirrorTable(reading.deps, wanted)
    const found = await findTableFacts(reading, name)
    const columns = found.columns.map(column => column.name)
    const rows = may(viewer, 'data') ? await findLatestRows(reading, name, columns, 20) : undefined
    return {
      title: `Table ${name}`,
      main: html`${facts([
        ['Key', found.key.join(', ')],
        ['Rows that changed last', found.changedLately >= 20_000 ? '20,000 or more' : count(found.changedLately)],
        ['Tombstones among them', count(found.tombstones)],
        ['Changed in the last hour', count(found.perHour.at(-1) ?? 0)],
      ])}
<p>${bars(found.perHour, 'Rows by the hour of their last change, over 24 hours')} rows by the hour of their last change, over 24 hours</p>
<section><h2>Columns</h2>${table(
        'Columns',
        [
          { title: 'Column', cell: column => column.name },
          { title: 'Type', cell: column => column.type },
          { title: 'Key', cell: column => found.key.includes(column.name) && badge('key') },
        ],
        found.columns,
        '',
      )}</section>
<section><h2>Latest rows</h2>${
        rows === undefined
          ? html`<p class="empty">Masked: only those with the role for data see rows.</p>`
          : table(
              'Latest rows',
              columns.map(title => ({ title, cell: (row: (typeof rows)[number]) => row[title] ?? undefined })),
              rows,
              'It is empty.',
            )
      }</section>`,
    }
  },
})
