import type { FastifyInstance } from 'fastify'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createKeycloakAccess } from '../../src/dashboard/keycloak-access.ts'
import { off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { chromiumPath } from '../services/chromium.ts'
import { findFreePort } from '../services/free-port.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { addTestDashboard } from './open-dashboard.ts'

const keycloak = getSharedKeycloak()
const clientId = 'sync-dashboard'
const password = 'a-password-of-some-length'

let realm: Realm
let client: string
let app: TestApp
let http: FastifyInstance
let url: string
let clock: ManualClock
let browser: Browser
beforeAll(async () => {
  if (chromiumPath === undefined) return
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
  url = `http://127.0.0.1:${await findFreePort()}`
  realm = await createRealm(keycloak)
  client = await createDashboardClient()
  app = await openTestApp({ clients: [{ clientId: 'north' }] })
  clock = new ManualClock()
  const login = {
    issuer: realm.issuer,
    clientId,
    secret: { value: (await realm.admin.get(`/${realm.name}/clients/${client}/client-secret`, secretSchema)).value },
    url,
    roles: { view: 'view-jobs', operate: 'operate-jobs', data: 'see-data' },
    insecureHosts: [],
  }
  http = createHttp({ operations: app.operations, authorize: off, log: app.logged.log })
  addTestDashboard(http, app, createKeycloakAccess(login, { clock, readSecretFile: async () => '' }))
  await http.listen({ host: '127.0.0.1', port: Number(new URL(url).port) })
})
afterAll(async () => {
  await browser?.close()
  await http?.close()
  await app?.[Symbol.asyncDispose]()
  await realm?.remove()
})

const secretSchema = z.object({ value: z.string() })
const roleSchema = z.object({ id: z.string(), name: z.string() })

/** The steps of docs/dashboard.md, by the Admin API. */
async function createDashboardClient(): Promise<string> {
  const id = await realm.admin.post(`/${realm.name}/clients`, {
    clientId,
    publicClient: false,
    standardFlowEnabled: true,
    directAccessGrantsEnabled: false,
    redirectUris: [`${url}/dashboard/callback`],
    attributes: {
      'post.logout.redirect.uris': `${url}/dashboard/login`,
      'pkce.code.challenge.method': 'S256',
    },
  })
  for (const name of ['view-jobs', 'operate-jobs', 'see-data']) {
    await realm.admin.post(`/${realm.name}/clients/${id}/roles`, { name })
  }
  await realm.admin.post(`/${realm.name}/roles`, { name: 'view-jobs' })
  return id
}

interface Person {
  readonly id: string
  readonly username: string
}

async function createPerson(username: string): Promise<Person> {
  const id = await realm.admin.post(`/${realm.name}/users`, {
    username,
    enabled: true,
    firstName: 'Ada',
    lastName: username,
    email: `${username}@example.org`,
    emailVerified: true,
    credentials: [{ type: 'password', value: password, temporary: false }],
  })
  return { id, username }
}

/** Roles of the client, and of the realm where their names begin so. */
async function assign({ id }: Person, ...roles: readonly string[]): Promise<void> {
  for (const role of roles) {
    const [, ofRealm] = /^realm:(.*)$/.exec(role) ?? []
    const place = ofRealm === undefined ? `clients/${client}/roles/${role}` : `roles/${ofRealm}`
    const to = ofRealm === undefined ? `clients/${client}` : 'realm'
    await realm.admin.post(`/${realm.name}/users/${id}/role-mappings/${to}`, [
      await realm.admin.get(`/${realm.name}/${place}`, roleSchema),
    ])
  }
}

async function takeAway({ id }: Person, role: string): Promise<void> {
  await realm.admin.delete(`/${realm.name}/users/${id}/role-mappings/clients/${client}`, [
    await realm.admin.get(`/${realm.name}/clients/${client}/roles/${role}`, roleSchema),
  ])
}

/** What the browser complains about is collected: Keycloak's pages aside, nothing may break our own policy. */
async function openBrowser(): Promise<{ context: BrowserContext; page: Page } & AsyncDisposable> {
  const context = await browser.newContext()
  return { context, page: await context.newPage(), [Symbol.asyncDispose]: () => context.close() }
}

async function signIn(page: Page, { username }: Person): Promise<void> {
  // The page with which a login begins leads here by itself.
  await page.waitForURL(`${realm.issuer}/protocol/openid-connect/auth**`)
  await page.locator('#username').fill(username)
  await page.locator('#password').fill(password)
  await page.locator('#kc-login').click()
  await page.waitForURL(`${url}/dashboard/**`)
}

describe.skipIf(chromiumPath === undefined)('with a real Keycloak, a browser', () => {
  test('signs in on its page, and comes back to the page that was asked for, with its filter', async () => {
    const person = await createPerson('reader')
    await assign(person, 'view-jobs')
    await using viewer = await openBrowser()
    const { page } = viewer
    await page.goto(`${url}/dashboard/runs?account=north&state=failed`)
    await signIn(page, person)
    expect(page.url()).toBe(`${url}/dashboard/runs?account=north&state=failed`)
    expect(await page.locator('.who').textContent()).toContain('Ada reader (read-only)')
    await page.goto(`${url}/dashboard/account?name=north`)
    expect(await page.getByText('Run all its jobs now').count()).toBe(0)
  })

  test.each([
    { name: 'a role of the realm', roles: ['realm:view-jobs'], isOperator: false, seesData: false },
    { name: 'operate', roles: ['operate-jobs'], isOperator: true, seesData: false },
    { name: 'view and data', roles: ['view-jobs', 'see-data'], isOperator: false, seesData: true },
  ])('has what $name allows', async ({ name, roles, isOperator, seesData }) => {
    const person = await createPerson(name.replaceAll(' ', '-'))
    await assign(person, ...roles)
    const { id } = await app.operations.makeRequest({ job: 'sync-users', account: 'north', payload: { keys: [['k']] } })
    await using viewer = await openBrowser()
    const { page } = viewer
    await page.goto(`${url}/dashboard/request?id=${id}`)
    await signIn(page, person)
    expect(await page.getByRole('link', { name: 'Cancel…' }).count()).toBe(isOperator ? 1 : 0)
    expect(await page.getByText('Masked').count()).toBe(seesData ? 0 : 1)
    if (!isOperator) return
    await page.getByRole('link', { name: 'Cancel…' }).click()
    await page.getByRole('button', { name: 'Cancel (1)' }).click()
    await page.waitForSelector('.notice.good')
    await page.goto(`${url}/dashboard/audit`)
    expect(await page.locator('tbody tr').first().textContent()).toContain(`http:${clientId}/${person.id}`)
  })

  test('is told which role is missing, and can log in as somebody else', async () => {
    await using viewer = await openBrowser()
    const { page } = viewer
    await page.goto(`${url}/dashboard/`)
    await signIn(page, await createPerson('nobody'))
    expect(await page.locator('main').textContent()).toContain('"Ada nobody" has no role for the dashboard')
    expect(await page.locator('main').textContent()).toContain('DASHBOARD_VIEW_ROLE')
    expect(await page.getByRole('button', { name: 'Log out' }).count()).toBe(1)
  })

  test('that logs out ends the session in Keycloak too', async () => {
    const person = await createPerson('leaver')
    await assign(person, 'view-jobs')
    await using viewer = await openBrowser()
    const { page } = viewer
    await page.goto(`${url}/dashboard/jobs`)
    await signIn(page, person)
    await page.getByRole('button', { name: 'Log out' }).click()
    // Keycloak asks once more.
    await page.locator('#kc-logout').click()
    await page.waitForURL(`${url}/dashboard/login**`)
    expect(await realm.admin.get(`/${realm.name}/users/${person.id}/sessions`, z.array(z.unknown()))).toEqual([])
    await page.getByRole('link', { name: 'Log in' }).click()
    await page.waitForSelector('#password')
  })

  test('goes through Keycloak again after 30 minutes, without a password, and roles that were taken away are gone', async () => {
    const person = await createPerson('operator')
    await assign(person, 'operate-jobs')
    await using viewer = await openBrowser()
    const { page } = viewer
    await page.goto(`${url}/dashboard/jobs`)
    await signIn(page, person)
    await clock.advance(31 * 60_000)
    await page.goto(`${url}/dashboard/runs?account=north`)
    await page.waitForURL(`${url}/dashboard/runs?account=north`)
    await takeAway(person, 'operate-jobs')
    await page.goto(`${url}/dashboard/jobs`)
    expect(await page.locator('h1').textContent()).toBe('Jobs')
    await clock.advance(31 * 60_000)
    await page.goto(`${url}/dashboard/jobs`)
    await page.waitForURL(`${url}/dashboard/jobs`)
    expect(await page.locator('main').textContent()).toContain('has no role for the dashboard')
  })
})
