import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createKeycloakAccess } from '../../src/dashboard/keycloak-access.ts'
import { off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { findFreePort } from '../services/free-port.ts'
import { addTestDashboard } from './open-dashboard.ts'
import { openLoginIssuer } from './open-login-issuer.ts'

const client = { id: 'sync-dashboard', secret: 'dashboard-secret-of-some-length' }
const roles = { view: 'view-jobs', operate: 'operate-jobs', data: 'see-data' }

let app: TestApp
let issuer: Awaited<ReturnType<typeof openLoginIssuer>>
let http: FastifyInstance
let url: string
/** Browsers send cookies to all ports of a host. */
let sessionCookie: string
let clock: ManualClock
beforeAll(async () => {
  app = await openTestApp({
    clients: [{ clientId: 'north' }, { clientId: 'south' }],
    callers: { south: [`${client.id}/somebody-else`] },
  })
  issuer = await openLoginIssuer(client)
  const port = await findFreePort()
  url = `http://127.0.0.1:${port}`
  sessionCookie = `hasura-sync-worker-${port}`
  clock = new ManualClock()
  const login = {
    issuer: issuer.issuer,
    clientId: client.id,
    secret: { value: client.secret },
    url,
    roles,
    insecureHosts: [],
  }
  http = createHttp({ operations: app.operations, authorize: off, log: app.logged.log })
  addTestDashboard(http, app, createKeycloakAccess(login, { clock, readSecretFile: async () => '' }))
  await http.listen({ host: '127.0.0.1', port: Number(new URL(url).port) })
})
afterAll(async () => {
  await http.close()
  await issuer[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})
beforeEach(() => {
  issuer.state.nonce = undefined
  issuer.state.tokenFault = undefined
})

/** A browser: follows redirects and keeps cookies by their names. */
function openBrowser(origin = url) {
  const jar = new Map<string, string>()
  return {
    jar,
    /** @param before the path of what isn't asked for any more */
    async go(
      address: string,
      init: RequestInit = {},
      before?: string,
    ): Promise<{ status: number; url: string; text: string }> {
      let next = new URL(address, `${origin}/dashboard/`)
      for (let hops = 0; hops < 10; hops++) {
        const isOurs = next.origin === origin
        const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
        const response = await fetch(next, {
          redirect: 'manual',
          ...(hops === 0 && init),
          headers: {
            ...(isOurs && { cookie }),
            ...(hops === 0 && { ...Object.fromEntries(new Headers(init.headers)) }),
          },
        })
        for (const line of isOurs ? response.headers.getSetCookie() : []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
          if (value === '') jar.delete(name)
          else jar.set(name, value)
        }
        const text = await response.text()
        const [, refreshed] = /<meta http-equiv="refresh" content="0; url=([^"]+)">/.exec(text) ?? []
        const location = response.headers.get('location') ?? refreshed?.replaceAll('&amp;', '&')
        if (location === undefined) return { status: response.status, url: next.href, text }
        next = new URL(location, next)
        if (next.pathname === before) return { status: response.status, url: next.href, text: '' }
      }
      throw new Error('too many redirects')
    },
  }
}

function logIn(...own: string[]) {
  issuer.state.person = { name: 'Ada <script>', roles: own }
  return openBrowser()
}

test('whoever asks for a page logs in, and comes to that page with its filter', async () => {
  const browser = logIn('view-jobs')
  const page = await browser.go('runs?account=north&state=failed')
  expect(page).toMatchObject({ status: 200, url: `${url}/dashboard/runs?account=north&state=failed` })
  expect(page.text).toContain('Ada &lt;script&gt; (read-only)')
  expect([...browser.jar.keys()]).toEqual([sessionCookie])
  expect([...browser.jar.values()].join()).not.toMatch(/Ada|eyJ[\w-]+\.eyJ/)
})

describe('what roles allow', () => {
  const change = {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' },
    body: 'action=run&account=north&job=sync-users',
  }

  test('nobody looks without a role', async () => {
    const { status, text } = await logIn('other').go('accounts')
    expect([status, text]).toEqual([403, expect.stringContaining('has no role for the dashboard')])
    expect(text).not.toContain('north')
  })

  test('a viewer changes nothing, and sees no button to', async () => {
    const browser = logIn('view-jobs')
    expect((await browser.go('account?name=north')).text).not.toContain('Run now')
    expect((await browser.go('act', change)).status).toBe(403)
    expect((await browser.go('confirm?action=run&account=north')).status).toBe(403)
  })

  test('an operator does, under a name of their own', async () => {
    const browser = logIn('operate-jobs')
    await browser.go('')
    expect((await browser.go('act', change)).status).toBe(200)
    const { text } = await browser.go('audit')
    expect(text).toContain('http:sync-dashboard/ada')
    expect(text).toContain('Run now')
  })

  test('payloads are masked without the role for data', async () => {
    const { id } = await app.operations.makeRequest({
      job: 'sync-users',
      account: 'north',
      payload: { keys: [['secret-key']] },
    })
    expect((await logIn('operate-jobs').go(`request?id=${id}`)).text).not.toContain('secret-key')
    expect((await logIn('view-jobs', 'see-data').go(`request?id=${id}`)).text).toContain('secret-key')
  })

  test('an account of other callers is not there', async () => {
    const browser = logIn('operate-jobs')
    expect((await browser.go('account?name=south')).status).toBe(404)
    expect((await browser.go('accounts')).text).not.toContain('south')
    expect((await browser.go('confirm?action=run&account=south')).status).toBe(404)
  })
})

test('a session ends after 30 minutes, and the browser goes through the issuer again', async () => {
  const browser = logIn('view-jobs')
  await browser.go('')
  const before = browser.jar.get(sessionCookie)
  await clock.advance(31 * 60_000)
  expect((await browser.go('jobs')).status).toBe(200)
  expect(browser.jar.get(sessionCookie)).not.toBe(before)
})

describe('several tabs that log in at once', () => {
  const callback = '/dashboard/callback'

  test('come each to its page, whichever is first', async () => {
    const browser = logIn('view-jobs')
    const first = await browser.go('runs?state=failed', {}, callback)
    const second = await browser.go('jobs', {}, callback)
    const third = await browser.go('accounts', {}, callback)
    expect(await browser.go(second.url)).toMatchObject({ status: 200, url: `${url}/dashboard/jobs` })
    expect(await browser.go(first.url)).toMatchObject({ status: 200, url: `${url}/dashboard/runs?state=failed` })
    expect(await browser.go(third.url)).toMatchObject({ status: 200, url: `${url}/dashboard/accounts` })
    expect([...browser.jar.keys()]).toEqual([sessionCookie])
  })

  test('come to a page also where the issuer has ended their login for that of another', async () => {
    const browser = logIn('view-jobs')
    const waiting = new URL((await browser.go('jobs', {}, callback)).url)
    await browser.go('')
    waiting.searchParams.delete('code')
    waiting.searchParams.set('error', 'temporarily_unavailable')
    expect(await browser.go(waiting.href)).toMatchObject({ status: 200, url: `${url}/dashboard/jobs` })
    waiting.searchParams.set('state', 'of-a-login-that-took-too-long')
    expect(await browser.go(waiting.href)).toMatchObject({ status: 200, url: `${url}/dashboard/` })
  })
})

test('a stream without a session begins no login', async () => {
  const response = await fetch(`${url}/dashboard/live?page=jobs`, { redirect: 'manual' })
  expect([response.status, response.headers.getSetCookie()]).toEqual([401, []])
})

test('logging out ends the session here and at the issuer', async () => {
  const browser = logIn('view-jobs')
  await browser.go('')
  const { url: end } = await browser.go('logout', { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } })
  expect(end).toMatch(`${issuer.issuer}/end?`)
  expect(new URL(end).searchParams.get('post_logout_redirect_uri')).toBe(`${url}/dashboard/login`)
  expect([...browser.jar]).toEqual([])
})

describe('a login is refused', () => {
  test('when it was begun in another browser', async () => {
    const other = openBrowser()
    const { status, text } = await other.go('callback?code=x&state=y')
    expect([status, text]).toEqual([400, expect.stringContaining('was not started here')])
  })

  test('when its nonce is another one', async () => {
    const browser = logIn('operate-jobs')
    issuer.state.nonce = 'of-another-login'
    expect((await browser.go('')).status).toBe(400)
    expect(browser.jar.has(sessionCookie)).toBe(false)
  })

  test.each([
    ['closes the connection', 'be reached: the connection was cut off', 'check that it runs'],
    ['answers 502', 'answered without tokens', 'check that it runs, and what is in front of it'],
    ['has another clock', 'has expired or is not valid yet', 'correct the clock'],
  ] as const)('with the cause, when the issuer %s', async (fault, found, remedy) => {
    const browser = logIn('view-jobs')
    issuer.state.tokenFault = fault
    const { status, text } = await browser.go('')
    expect([status, text]).toEqual([503, expect.stringContaining(found)])
    expect(text).toContain(remedy)
    issuer.state.tokenFault = undefined
    expect((await browser.go('')).status).toBe(200)
  })

  test('and a cookie of a login is no session, and goes to the callback alone', async () => {
    const begun = await fetch(`${url}/dashboard/begin?page=runs`, { redirect: 'manual' })
    const [cookie = ''] = begun.headers.getSetCookie()
    expect(cookie).toContain('; Path=/dashboard/callback;')
    const sealed = /=([^;]+)/.exec(cookie)?.[1]
    const { status } = await fetch(`${url}/dashboard/runs`, {
      redirect: 'manual',
      headers: { cookie: `${sessionCookie}=${sealed}` },
    })
    expect(status).toBe(303)
  })
})

test('a rotated secret is read again, and a session needs no issuer, not even after a restart', async () => {
  const rotated = { id: client.id, secret: 'the-first-secret-of-some-length' }
  const other = await openLoginIssuer(rotated)
  other.state.person = { name: 'Ada', roles: ['view-jobs'] }
  await using started = new AsyncDisposableStack()
  const start = async () => {
    const port = await findFreePort()
    const origin = `http://127.0.0.1:${port}`
    const login = { issuer: other.issuer, clientId: client.id, secret: { file: 'secret' }, url: origin, roles }
    const server = createHttp({ operations: app.operations, authorize: off, log: app.logged.log })
    const host = { clock, readSecretFile: async () => rotated.secret }
    addTestDashboard(server, app, createKeycloakAccess({ ...login, insecureHosts: [] }, host))
    await server.listen({ host: '127.0.0.1', port })
    started.defer(() => server.close())
    return origin
  }
  const origin = await start()
  expect((await openBrowser(origin).go('')).status).toBe(200)

  rotated.secret = 'the-second-secret-of-some-length'
  const browser = openBrowser(origin)
  const refused = await browser.go('')
  expect([refused.status, refused.text]).toEqual([503, expect.stringContaining('refuses the dashboard')])
  expect((await browser.go('')).status).toBe(200)

  await other[Symbol.asyncDispose]()
  const restarted = await start()
  const nameAt = (address: string) => `hasura-sync-worker-${new URL(address).port}`
  const cookie = `${nameAt(restarted)}=${browser.jar.get(nameAt(origin))}`
  const page = await fetch(`${restarted}/dashboard/jobs`, { headers: { cookie }, redirect: 'manual' })
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Ada')])
})
