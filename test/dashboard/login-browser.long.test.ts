import { createServer } from 'node:http'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { createKeycloakAccess } from '../../src/dashboard/keycloak-access.ts'
import { off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { openTestApp } from '../fixtures/open-test-app.ts'
import { chromiumPath } from '../services/chromium.ts'
import { findFreePort } from '../services/free-port.ts'
import { addTestDashboard } from './open-dashboard.ts'
import { openLoginIssuer } from './open-login-issuer.ts'

const client = { id: 'sync-dashboard', secret: 'dashboard-secret-of-some-length' }

test.skipIf(chromiumPath === undefined)(
  'a filter leads through the login to its page also if the issuer sends browsers to another identity provider',
  async () => {
    await using app = await openTestApp({ clients: [{ clientId: 'north' }] })
    await using issuer = await openLoginIssuer(client)
    await using broker = await listenOnLoopback(
      createServer(({ url = '' }, response) => {
        response.writeHead(302, { location: new URL(url, 'http://broker').searchParams.get('back') ?? '' }).end()
      }),
    )
    issuer.state.person = { name: 'Ada', roles: ['view-jobs'] }
    issuer.state.broker = broker.url
    const port = await findFreePort()
    const url = `http://127.0.0.1:${port}`
    const login = {
      issuer: issuer.issuer,
      clientId: client.id,
      secret: { value: client.secret },
      url,
      roles: { view: 'view-jobs' },
      insecureHosts: [],
    }
    const clock = new ManualClock()
    await using http = createHttp({ operations: app.operations, authorize: off, log: app.logged.log })
    addTestDashboard(http, app, createKeycloakAccess(login, { clock, readSecretFile: async () => '' }))
    await http.listen({ host: '127.0.0.1', port })

    const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('console', message => complaints.push(message.text()))
      await page.goto(`${url}/dashboard/runs`)
      await page.waitForSelector('form.filter')
      await clock.advance(31 * 60_000)
      await page.locator('input[name=account]').fill('north')
      await page.getByRole('button', { name: 'Filter' }).click()
      await expect
        .poll(() => ({ url: page.url(), complaints }))
        .toEqual({
          url: expect.stringContaining('/dashboard/runs?account=north'),
          complaints: [],
        })
      await expect.poll(() => page.locator('h1').textContent()).toBe('Runs')
      await page.goBack()
      expect(page.url()).toBe(`${url}/dashboard/runs`)
    } finally {
      await browser.close()
    }
  },
)
