import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { UsageError } from '../errors.ts'
import { describeError } from '../log.ts'
import { ownValue } from '../names/own-value.ts'
import { narrowTo } from '../operations/bound-caller.ts'
import { parseValue } from '../operations/values.ts'
import { localPage } from './access.ts'
import type { Action, ActionContext, Preview } from './actions/action.ts'
import { actions } from './actions/list.ts'
import { beginAudit, endAudit } from './audit.ts'
import type { Desk } from './desk.ts'
import { type Html, html } from './html.ts'
import { count, explained } from './parts.ts'
import { isSameOrigin } from './same-origin.ts'
import type { Session } from './session.ts'
import { may } from './viewer.ts'
import { sayWanted, type Wanted, wantedSchema } from './wanted.ts'

/** The fields of an address or a form that ask for an action. */
const askedSchema = wantedSchema.extend({ action: z.string().max(40), from: z.string().max(1_000).optional() })
const formSchema = z.record(z.string(), z.unknown())

/** `confirm` shows what an action would change; `act` carries it out and returns to the page it came from. */
export function addActions(app: FastifyInstance, desk: Desk): void {
  const { access, log, publicOrigin } = desk.deps
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 16 * 1024 },
    async (_request: FastifyRequest, body: string) => Object.fromEntries(new URLSearchParams(body)),
  )

  app.get('/confirm', async (request, reply) => {
    const session = await enter(request, reply)
    if (!session) return reply
    const { action, wanted, from, name } = readAsked(request.query)
    const preview = await action.preview(contextOf(session), wanted)
    const title = `${action.title}: ${sayWanted(wanted)}`
    return desk.send(reply, { session, title, main: confirmation(action, name, wanted, preview, from) })
  })

  app.post('/act', async (request, reply) => {
    const session = await enter(request, reply)
    if (!session) return reply
    const { action, wanted, from, name } = readAsked(request.body)
    const { store } = desk.deps.app.deps
    const { viewer } = session
    const audit = await beginAudit(store, viewer, name, wanted)
    log.info(
      { viewer: viewer.name, caller: viewer.caller, action: name, wanted },
      'a viewer of the dashboard changes something',
    )
    try {
      await endAudit(store, audit, { affected: await action.carry(contextOf(session), wanted) })
    } catch (error) {
      await endAudit(store, audit, { told: describeError(error).message })
      throw error
    }
    return reply.redirect(`${from}${from.includes('?') ? '&' : '?'}done=${audit}`, 303)
  })

  app.post('/logout', async (request, reply) => {
    if (!isSameOrigin(request.headers, publicOrigin)) return refuse(reply, undefined, foreign)
    return reply.header('set-cookie', access.end).redirect(access.logoutUrl ?? 'login', 303)
  })

  function contextOf({ viewer }: Session): ActionContext {
    return {
      reading: narrowTo(desk.deps.app, viewer.caller),
      operations: desk.deps.operations,
      viewer,
      signal: stopping.signal,
    }
  }

  async function enter(request: FastifyRequest, reply: FastifyReply): Promise<Session | undefined> {
    const session = await desk.letIn(request, reply)
    if (!session) return undefined
    if (request.method === 'POST' && !isSameOrigin(request.headers, publicOrigin)) {
      await refuse(reply, session, foreign)
      return undefined
    }
    if (may(session.viewer, 'operate')) return session
    await refuse(reply, session, {
      found: 'You may not change anything',
      remedy: 'ask for the role that DASHBOARD_OPERATE_ROLE names, and log in again',
    })
    return undefined
  }

  function refuse(
    reply: FastifyReply,
    session: Session | undefined,
    told: { found: string; remedy: string },
  ): Promise<FastifyReply> {
    return desk.send(reply, {
      status: 403,
      session,
      title: 'Not possible',
      main: explained(undefined, told.found, told.remedy),
    })
  }
}

const foreign = {
  found: 'This request didn’t come from a page of the dashboard',
  remedy: 'open the dashboard and do it there; behind a proxy, DASHBOARD_URL must be the address in the browser',
}

interface Asked {
  readonly name: string
  readonly action: Action
  readonly wanted: Wanted
  readonly from: string
}

/** @throws UsageError */
function readAsked(given: unknown): Asked {
  const fields = Object.entries(parseValue(formSchema, given ?? {}, 'form')).filter(([, value]) => value !== '')
  const { action: name, from, ...wanted } = parseValue(askedSchema, Object.fromEntries(fields), 'form')
  const action = ownValue(actions, name)
  if (!action) throw new UsageError(`There is no change "${name}"`)
  return { name, action, wanted, from: localPage(from) }
}

function confirmation(
  action: Action,
  name: string,
  wanted: Wanted,
  { total, unit, sample, detail, upTo }: Preview,
  from: string,
): Html {
  const said = total === 1 ? unit.replace(/^(\w+)s\b/, '$1') : unit
  const fields = Object.entries({ ...wanted, upTo, action: name, from }).filter(([, value]) => value !== undefined)
  return html`<p>${action.does}</p>
<p class="verdict ${total === 0 ? 'plain' : action.isGrave ? 'bad' : 'busy'}" role="status">${total === 0 ? `Nothing to change: no ${unit} match.` : `${count(total)} ${said}.`}</p>
${detail}${sample.length > 0 && html`<ul>${sample.map(one => html`<li>${one}</li>`)}${total > sample.length && html`<li>and ${count(total - sample.length)} more</li>`}</ul>`}
<form class="buttons" method="post" action="act">${fields.map(([field, value]) => html`<input type="hidden" name="${field}" value="${value}">`)}${
    total > 0 && html`<button class="${action.isGrave && 'strong'}">${action.title} (${count(total)})</button>`
  } <a href="${from}">Back, change nothing</a></form>`
}
