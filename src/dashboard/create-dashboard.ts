import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { NotFoundError, UsageError } from '../errors.ts'
import { narrowTo } from '../operations/bound-caller.ts'
import { parseValue } from '../operations/values.ts'
import { problemOf } from '../problem.ts'
import { localPage } from './access.ts'
import { addActions } from './act.ts'
import { addAssets } from './assets.ts'
import { noticeOf } from './audit.ts'
import type { DashboardDeps, Desk } from './desk.ts'
import { html } from './html.ts'
import { shell } from './layout.ts'
import { addLive } from './live.ts'
import type { AnyPage, PageContent, PageContext } from './page.ts'
import { pages } from './pages/list.ts'
import { explained } from './parts.ts'
import type { Session } from './session.ts'
import { may } from './viewer.ts'

/** A weight of 0 means that it isn't accepted (RFC 9110, section 12.4.2). */
const takesGzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i

/** Serves `/dashboard/`, and redirects `/` to it. */
export function addDashboard(http: FastifyInstance, deps: DashboardDeps): void {
  http.get('/', async (_request, reply) => reply.redirect('dashboard/', 303))
  http.get('/dashboard', async (_request, reply) => reply.redirect('dashboard/', 303))
  http.register(async app => addRoutes(app, deps), { prefix: '/dashboard' })
}

async function addRoutes(app: FastifyInstance, deps: DashboardDeps): Promise<void> {
  const { access, log } = deps
  const assets = addAssets(app)
  const policy = contentPolicy(access.origins)

  const desk: Desk = {
    deps,
    async render(session, address) {
      const { page, query, here, done } = readAddress(address)
      const context = createContext(deps, session, here)
      const content = await page.render(context, query)
      const version = hash('sha256', String(content.main), 'base64url').slice(0, 16)
      const notice = done === undefined ? undefined : await noticeOf(context, done)
      return { ...content, page, here, version, notice }
    },
    async letIn(request, reply) {
      const session = await access.find(request.headers.cookie)
      if (session && may(session.viewer, 'view')) return session
      if (session) {
        await desk.send(reply, { status: 403, session, ...noRole(session) })
        return undefined
      }
      const address = request.method === 'GET' ? addressOf(request) : ''
      const login = access.loginOf(localPage(address))
      if (login !== undefined && request.method === 'GET') await reply.redirect(login, 303)
      else await desk.send(reply, { status: 401, ...loggedOut(login) })
      return undefined
    },
    async send(reply, { status = 200, session, current = '-', ...content }) {
      const text = shell({ ...content, viewer: session?.viewer, pages, current, assets })
      reply.code(status).type('text/html; charset=utf-8').header('vary', 'accept-encoding, cookie')
      if (!takesGzip.test(String(reply.request.headers['accept-encoding'] ?? ''))) return reply.send(text)
      return reply.header('content-encoding', 'gzip').send(await promisify(gzip)(text))
    },
  }

  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'content-security-policy': policy, 'referrer-policy': 'same-origin', 'x-frame-options': 'DENY' })
    reply.headers({ 'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin' })
  })
  app.setErrorHandler(async (error, request, reply) => {
    const { status, code, detail, remedy } = problemOf(error)
    if (status >= 500)
      log[status === 503 ? 'debug' : 'error']({ error, url: request.routeOptions.url }, 'a page failed')
    const session = await access.find(request.headers.cookie).catch(() => undefined)
    await desk.send(reply, { status, session, title: titleOf(status), main: explained(code, detail, remedy) })
  })
  access.addRoutes(app)
  app.get('/login', async (request, reply) => {
    const session = await access.find(request.headers.cookie)
    return session ? reply.redirect('./', 303) : desk.send(reply, { status: 401, ...loggedOut(access.loginOf('./')) })
  })
  addActions(app, desk)
  addLive(app, desk)
  for (const page of pages) {
    app.get(`/${page.name}`, { prefixTrailingSlash: 'slash' }, async (request, reply) => {
      const session = await desk.letIn(request, reply)
      if (!session) return reply
      const { page: _, here, ...content } = await desk.render(session, addressOf(request))
      const live = `live?${new URLSearchParams({ page: here })}`
      return desk.send(reply, { ...content, session, current: page.name, live })
    })
  }
}

/** Only what this worker serves: no inline style or script, no frame, no form to another site. */
function contentPolicy(origins: readonly string[]): string {
  const directives = {
    'default-src': ["'none'"],
    'style-src': ["'self'"],
    'script-src': ["'self'"],
    'img-src': ["'self'"],
    'connect-src': ["'self'"],
    'form-action': ["'self'", ...origins],
    'base-uri': ["'none'"],
    'frame-ancestors': ["'none'"],
  }
  return Object.entries(directives)
    .map(([name, values]) => `${name} ${values.join(' ')}`)
    .join('; ')
}

function createContext(
  { app, operations, runLog, clock }: DashboardDeps,
  { viewer }: Session,
  here: string,
): PageContext {
  return { reading: narrowTo(app, viewer.caller), operations, viewer, runLog, here, now: clock.now() }
}

/** The page's name and query, without the path before it: `runs?account=north`. */
function addressOf({ url }: FastifyRequest): string {
  const [path = '', query] = url.split(/\?(.*)/s)
  const name = path.slice(path.lastIndexOf('/') + 1)
  return query ? `${name}?${query}` : name
}

interface ReadAddress {
  readonly page: AnyPage
  readonly query: Record<string, unknown>
  readonly here: string
  /** The audit row of the action that led here. */
  readonly done: string | undefined
}

/** @throws NotFoundError, UsageError */
function readAddress(address: string): ReadAddress {
  const [name = '', search = ''] = address.split(/\?(.*)/s)
  const wanted = name === './' ? '' : name
  const page = pages.find(each => each.name === wanted)
  if (!page) throw new NotFoundError(`There is no page "${name}"`)
  const given = new Map([...new URLSearchParams(search)].filter(([, value]) => value !== ''))
  const done = given.get('done')
  given.delete('done')
  const here = given.size > 0 ? `${wanted}?${new URLSearchParams([...given])}` : wanted || './'
  const unknown = [...given.keys()].find(key => !(key in page.query.shape))
  // A silently dropped filter would show, and change, more than was asked for.
  if (unknown !== undefined) throw new UsageError(`The page has no filter "${unknown}"`)
  return { page, query: parseValue(page.query, Object.fromEntries(given), 'address'), here, done }
}

function titleOf(status: number): string {
  if (status === 404) return 'Not found'
  if (status >= 500) return 'Something failed'
  return 'Not possible'
}

function noRole({ viewer }: Session): PageContent {
  return {
    title: 'No access',
    main: explained(
      undefined,
      `"${viewer.name}" has no role for the dashboard`,
      'ask for a role that DASHBOARD_VIEW_ROLE or DASHBOARD_OPERATE_ROLE names, and log in again',
    ),
  }
}

function loggedOut(login: string | undefined): PageContent {
  return {
    title: 'You are not logged in',
    main: login
      ? html`<p><a class="button" href="${login}">Log in</a></p>`
      : html`<p>Open the link that the worker printed when it started. It works once; the next one is printed when it has been used, and when the worker starts again.</p>`,
  }
}
