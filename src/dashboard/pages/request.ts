import { z } from 'zod'
import { NotFoundError } from '../../errors.ts'
import { findRequest } from '../../operations/request-reports.ts'
import { nameValue } from '../../operations/values.ts'
import { html } from '../html.ts'
import { definePage } from '../page.ts'
import { accountLink, ask, badge, buttons, count, facts, jobLink, when } from '../parts.ts'
import { findPayload } from '../read/requests.ts'
import { findRunsOfRequest } from '../read/runs.ts'
import { may } from '../viewer.ts'
import { progress } from './active-list.ts'
import { runTable, sayMaker } from './run-table.ts'

export const requestPage = definePage({
  name: 'request',
  query: z.object({ id: nameValue }),
  async render({ reading, viewer, here }, { id }) {
    const request = await findRequest(reading, id)
    if (!request) {
      throw new NotFoundError({
        found: `There is no request "${id}"`,
        remedy: 'ended ones are kept for 7 days, failed ones for 30',
      })
    }
    const payload = may(viewer, 'data') ? await findPayload(reading, request.id) : undefined
    const isOpen = request.state === 'waiting' || request.state === 'running'
    return {
      title: `Request of ${request.job} for ${request.account}`,
      main: html`<p>${badge(request.state)}</p>
${request.waitsFor !== undefined && html`<div class="card"><h2>Why isn’t it running?</h2><p class="found">It waits for ${request.waitsFor}.</p>${request.hold && html`<p class="meta"><a href="holds?account=${encodeURIComponent(request.account)}">Its hold</a></p>`}</div>`}
${request.failedReason !== undefined && html`<div class="card bad"><p class="found">${request.failedReason}</p></div>`}
${request.progress !== undefined && html`<p>${progress(request.progress)}</p>`}
${facts([
  ['Account', accountLink(request.account)],
  ['Job', jobLink(request.job)],
  ['Made', when(request.requestedAt)],
  ['Made by', sayMaker(request.trigger, request.caller)],
  ['Priority', request.priority],
  ['Failed runs in a row', count(request.failures)],
  ['Ended', when(request.endedAt)],
])}
${buttons(viewer, isOpen ? ask('Cancel…', 'cancel', { id: request.id }, here) : ask('Retry…', 'retry', { id: request.id }, here))}
<section><h2>Payload</h2>${
        payload === undefined
          ? html`<p class="empty">Masked: only those with the role for data see payloads.</p>`
          : html`<pre>${payload}</pre>`
      }</section>
<section><h2>Runs</h2>${runTable(await findRunsOfRequest(reading, request.id), 'No runs yet.')}</section>`,
    }
  },
})
