import { describeSeconds } from '../time/duration.ts'
import { type Html, type HtmlValue, html, inputValue } from './html.ts'
import { may, type Viewer } from './viewer.ts'

/** An instant: UTC in the page, the viewer's zone with JavaScript, the exact instant on hover. */
export function when(at: Date | string | null | undefined): Html {
  if (at === null || at === undefined) return html`<span class="none">–</span>`
  const iso = new Date(at).toISOString()
  return html`<time datetime="${iso}" title="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`
}

/** A length of time in its two largest units; below a second in milliseconds. */
export function howLong(ms: number | null | undefined): Html {
  if (ms === null || ms === undefined) return html`<span class="none">–</span>`
  return html`<span class="number">${ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : describeSeconds(ms / 1_000)}</span>`
}

export function count(value: number | bigint): string {
  return value.toLocaleString('en')
}

const tones: Readonly<Record<string, string>> = {
  running: 'busy',
  waiting: 'wait',
  succeeded: 'good',
  done: 'good',
  live: 'good',
  visible: 'good',
  failed: 'bad',
  refused: 'bad',
  ended: 'bad',
  held: 'bad',
  parked: 'bad',
  interrupted: 'warn',
  paused: 'warn',
  late: 'warn',
  failing: 'warn',
  connecting: 'wait',
}

/** A state as a word; the colour adds nothing to it. */
export function badge(state: string): Html {
  return html`<span class="badge ${tones[state] ?? 'plain'}">${state}</span>`
}

/** The address of a page with its query; what is undefined or empty is left out. */
export function link(page: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return given.length > 0 ? `${page}?${new URLSearchParams(given)}` : page
}

export interface Column<Row> {
  readonly title: string
  /** Aligned as numbers are. */
  readonly isNumber?: boolean
  cell(row: Row): HtmlValue
}

/** @param empty shown if there are no rows */
export function table<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  empty: HtmlValue,
): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`
  const classOf = ({ isNumber }: Column<Row>) => (isNumber ? 'number' : '')
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption class="hidden">${caption}</caption>
<thead><tr>${columns.map(column => html`<th scope="col" class="${classOf(column)}">${column.title}</th>`)}</tr></thead>
<tbody>${rows.map(row => html`<tr>${columns.map(column => html`<td data-title="${column.title}" class="${classOf(column)}">${column.cell(row)}</td>`)}</tr>`)}</tbody></table></div>`
}

export function facts(all: readonly (readonly [string, HtmlValue])[]): Html {
  return html`<dl>${all.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

/** What was found, and what to do. */
export function explained(code: string | undefined, found: string, remedy: string | null | undefined): Html {
  return html`<p class="found">${code !== undefined && html`<code>${code}</code> `}${found}</p>${remedy ? html`<p class="remedy"><strong>To fix it:</strong> ${remedy}</p>` : undefined}`
}

/** A form of a filter, whose fields are in the page's address. */
export function filterForm(
  page: string,
  fields: readonly {
    name: string
    label: string
    value: string | undefined
    options?: readonly string[]
    type?: string
  }[],
): Html {
  return html`<form class="filter" method="get" action="${page}">${fields.map(
    ({ name, label, value = '', options, type = 'text' }) =>
      html`<label>${label} ${
        options
          ? html`<select name="${name}"><option value="">any</option>${options.map(option => html`<option value="${option}"${option === value && html` selected`}>${option}</option>`)}</select>`
          : html`<input name="${name}" type="${type}" value="${inputValue(value)}" autocomplete="off">`
      }</label>`,
  )}<button>Filter</button> <a href="${page}">Clear</a></form>`
}

/** @param nextQuery the query of the next page; undefined on the last one */
export function pager(
  page: string,
  nextQuery: Readonly<Record<string, string | undefined>> | undefined,
): Html | undefined {
  return nextQuery && html`<p class="pager"><a rel="next" href="${link(page, nextQuery)}">Older</a></p>`
}

/** A button that acts immediately. */
export function button(
  label: string,
  action: string,
  wanted: Readonly<Record<string, string | undefined>>,
  from: string,
): Html {
  const given = Object.entries({ ...wanted, action, from }).filter(([, value]) => value !== undefined)
  return html`<form class="act" method="post" action="act">${given.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}<button>${label}</button></form>`
}

/** A link to the preview of an action. */
export function ask(
  label: string,
  action: string,
  wanted: Readonly<Record<string, string | undefined>>,
  from: string,
): Html {
  return html`<a class="button" href="${link('confirm', { action, ...wanted, from })}">${label}</a>`
}

/** What may be done, for those who may do it. */
export function buttons(viewer: Viewer, ...all: readonly HtmlValue[]): Html | false {
  return may(viewer, 'operate') && html`<div class="buttons">${all}</div>`
}

export const accountLink = (name: string): Html => html`<a href="${link('account', { name })}">${name}</a>`
export const jobLink = (name: string): Html => html`<a href="${link('job', { name })}">${name}</a>`
export const tableLink = (name: string): Html => html`<a href="${link('table', { name })}">${name}</a>`

/** How many requests of a line, a job or an account are waiting. */
export function waitingLink(of: { readonly account?: string; readonly job?: string }, waiting: number): Html {
  return html`<a href="${link('requests', { ...of, state: 'waiting' })}">${count(waiting)}</a>`
}

/** Bars of values, the newest last; read aloud as one sentence. */
export function bars(values: readonly number[], label: string): Html {
  const greatest = Math.max(1, ...values)
  const heights = values.map(value => (value === 0 ? 0 : Math.max(1, Math.round((value / greatest) * 20))))
  return html`<svg class="bars" role="img" aria-label="${label}" width="${values.length * 5}" height="20" viewBox="0 0 ${values.length * 5} 20">${heights.map((height, index) => html`<rect x="${index * 5}" y="${20 - height}" width="4" height="${height}"/>`)}</svg>`
}
