import { tablesOf } from '../../definitions/account-jobs.ts'
import { findMissingKeys, type MissingRows } from '../../mirror/missing-rows.ts'
import type { Position } from '../../store/schema.ts'
import { type Html, html } from '../html.ts'
import type { PageContext } from '../page.ts'
import { count, table, tableLink, when } from '../parts.ts'
import { findMirrored } from '../read/missing-rows.ts'
import { may } from '../viewer.ts'

/** Rows that are shown with all their columns. */
const mostRows = 20
/** Characters of a key. */
const longestKey = 100

/** Which rows a deletion guard keeps: the rows and their keys for those who may see data, their number for others. */
export async function missingList(
  { reading, viewer }: Pick<PageContext, 'reading' | 'viewer'>,
  missing: MissingRows,
): Promise<Html> {
  const { account, job, missingThere } = missing
  const said = html`<p>${sayMissing(missing)}</p>`
  if (!may(viewer, 'data'))
    return html`${said}<p class="empty">Masked: only those with the role for data see which.</p>`
  const keys = await findMissingKeys(reading.deps.store, missing)
  const [name] = tablesOf(reading.deps.jobs.get(job) ?? {})
  const mirrored = name === undefined ? undefined : await findMirrored(reading, name, account, keys.slice(0, mostRows))
  if (name === undefined || !mirrored) return html`${said}${keyList(keys, missingThere)}`
  const { columns, rows } = mirrored
  const first = table(
    `Missing rows of ${job} for ${account}`,
    columns.map(title => ({ title, cell: (row: (typeof rows)[number]) => row[title] ?? undefined })),
    rows,
    'They are no longer in the mirror.',
  )
  const rest = keys.slice(mostRows)
  return html`${said}${first}${rest.length > 0 && html`<h3>Keys of further rows</h3>${keyList(rest, missingThere - mostRows)}`}<p class="meta">In ${tableLink(name)}.</p>`
}

/** "At 12:00:00 312 of 400 mirrored rows were missing in the API." */
export function sayMissing({ comparedAt, here, missingThere }: Omit<MissingRows, 'id' | 'account' | 'job'>): Html {
  return html`At the last comparison of all keys, ${when(comparedAt)}, the API no longer had ${count(missingThere)} of the ${count(here)} mirrored rows.`
}

function keyList(keys: readonly Position[], total: number): Html {
  return html`<ul class="keys">${keys.map(key => html`<li><code>${sayKey(key)}</code></li>`)}${total > keys.length && html`<li>and ${count(total - keys.length)} more</li>`}</ul>`
}

function sayKey(key: readonly string[]): string {
  return key.map(value => (value.length > longestKey ? `${value.slice(0, longestKey)}…` : value)).join(', ')
}
