import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { pages } from '../../src/dashboard/pages/list.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { chromiumPath } from '../services/chromium.ts'
import { openTestDashboard, type TestDashboard } from './open-dashboard.ts'

/** Where screenshots go, for whoever wants to look at them. */
const shots = process.env.SCREENSHOTS

let app: TestApp
let board: TestDashboard
let browser: Browser
let stands: string
const addresses = new Map<string, string>()

beforeAll(async () => {
  if (chromiumPath === undefined) return
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
  app = await openTestApp({ clients: [{ clientId: 'north' }, { clientId: 'south' }] })
  board = await openTestDashboard(app)
  await app.serve()
  for (const job of ['sync-users', 'sync-articles', 'sync-topics']) {
    for (const account of ['north', 'south']) {
      const { id } = await app.operations.makeRequest({ job, account })
      await app.operations.getRequest({ id, waitSeconds: 60 })
      addresses.set('request', `request?id=${id}`)
      addresses.set('run', `run?id=${(await app.operations.getRequest({ id })).runs[0]?.id}`)
    }
  }
  stands = app.addAccount({ clientId: 'west', roles: ['auditor'] })
  await app.operations.makeRequest({ job: 'sync-users', account: stands })
  await vi.waitUntil(async () => (await app.operations.listHolds()).some(hold => hold.account === stands), {
    timeout: 60_000,
  })
  for (const [name, address] of Object.entries({
    account: `account?name=${stands}`,
    job: 'job?name=sync-users',
    table: 'table?name=users',
  })) {
    addresses.set(name, address)
  }
})
afterAll(async () => {
  await browser?.close()
  await board?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
})

/** Somebody who has opened the link; what the browser complains about is collected. */
async function enter(options: Parameters<Browser['newContext']>[0] = {}) {
  const context = await browser.newContext({ timezoneId: 'Asia/Kolkata', locale: 'en-GB', ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(error.message))
  page.on('request', request => {
    if (new URL(request.url()).origin !== board.url) complaints.push(`asks ${request.url()}`)
  })
  await page.goto(board.link())
  return { context, page, complaints, [Symbol.asyncDispose]: () => context.close() }
}

const violationsSchema = z.array(
  z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })) }),
)

async function findViolations(page: Page) {
  await page.evaluate(axe.source)
  const found: unknown = await page.evaluate('axe.run().then(result => result.violations)')
  return violationsSchema
    .parse(found)
    .map(({ id, nodes }) => ({ id, nodes: nodes.slice(0, 3).map(node => `${node.html} ${node.failureSummary}`) }))
}

async function shoot(page: Page, name: string): Promise<void> {
  if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
}

describe.skipIf(chromiumPath === undefined)('in a browser', () => {
  describe.each(['light', 'dark'] as const)('with the %s theme', colorScheme => {
    let context: BrowserContext
    let entered: Awaited<ReturnType<typeof enter>>
    beforeAll(async () => {
      entered = await enter({ colorScheme })
      context = entered.context
    })
    afterAll(() => context.close())

    test.each(pages.map(({ name }) => ({ name })))(
      'page "$name" is accessible and complains of nothing',
      async ({ name }) => {
        const { page, complaints } = entered
        await page.goto(`${board.url}/dashboard/${addresses.get(name) ?? name}`)
        expect(await findViolations(page)).toEqual([])
        expect(complaints).toEqual([])
        await shoot(page, `${name || 'overview'}-${colorScheme}`)
      },
    )
  })

  test.each(pages.map(({ name }) => ({ name })))('page "$name" fits a narrow phone', async ({ name }) => {
    await using phone = await enter({ viewport: { width: 360, height: 740 } })
    await phone.page.goto(`${board.url}/dashboard/${addresses.get(name) ?? name}`)
    const width = await phone.page.evaluate('document.documentElement.scrollWidth')
    await shoot(phone.page, `${name || 'overview'}-phone`)
    expect(width).toBeLessThanOrEqual(360)
  })

  test('instants are in the zone of the viewer, and exact on hover', async () => {
    await using viewer = await enter()
    await viewer.page.goto(`${board.url}/dashboard/${addresses.get('run')}`)
    const time = viewer.page.locator('dl time').first()
    const exact = (await time.getAttribute('title')) ?? ''
    const inIndia = new Date(new Date(exact).getTime() + 5.5 * 3_600_000).toISOString()
    expect(await time.textContent()).toContain(inIndia.slice(11, 19))
  })

  test('somebody finds why an account stands still, mends it and sees it go on', async () => {
    await using viewer = await enter()
    const { page } = viewer
    expect(await page.locator('.verdict').first().textContent()).toContain('Somebody must act: 1 hold')
    const card = page.locator('.card', { hasText: stands }).first()
    expect(await card.textContent()).toContain('viewer')
    await card.getByRole('link', { name: stands }).click()
    await page.waitForURL(/account\?name=west/)
    app.idp.setRoles(stands, ['viewer'])
    const isFree = () => page.getByText('Nothing holds it.').isVisible()
    // A probe that was under way has seen the account as it was: then somebody looks once more.
    await expect
      .poll(
        async () => {
          if (!(await isFree())) await page.getByRole('button', { name: 'Look again now' }).first().click()
          return isFree()
        },
        { interval: 5_000 },
      )
      .toBe(true)
    await page.waitForSelector('td[data-title="State"] .badge:has-text("succeeded")')
    expect(viewer.complaints).toEqual([])
  })

  test('a change over a filter is shown first, done with the keyboard, and then in the audit', async () => {
    await using viewer = await enter()
    const { page } = viewer
    await page.goto(`${board.url}/dashboard/job?name=sync-topics`)
    await page.getByRole('link', { name: 'Run now for all accounts…' }).focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(/confirm/)
    await shoot(page, 'confirm-light')
    expect(await findViolations(page)).toEqual([])
    await page.getByRole('button', { name: /^Run now \(/ }).focus()
    await page.keyboard.press('Enter')
    await page.waitForSelector('.notice.good')
    await page.getByRole('link', { name: 'Audit', exact: true }).last().click()
    await page.waitForURL(/audit/)
    expect(await page.locator('tbody tr').first().textContent()).toContain('Run now')
  })

  test('a page follows what happens by itself, and keeps the focus', async () => {
    await using viewer = await enter()
    const { page } = viewer
    await page.goto(`${board.url}/dashboard/runs?account=north`)
    await page.waitForSelector('#live-state:has-text("Live")')
    const link = page.locator('tbody a').first()
    const address = await link.getAttribute('href')
    await link.focus()
    const before = await page.locator('tbody tr').count()
    const { id } = await app.operations.makeRequest({ job: 'sync-users', account: 'north', payload: { full: true } })
    await app.operations.getRequest({ id, waitSeconds: 60 })
    await expect.poll(() => page.locator('tbody tr').count()).toBeGreaterThan(before)
    expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe(address)
  })

  test('reading and changing work without JavaScript', async () => {
    await using viewer = await enter({ javaScriptEnabled: false })
    const { page } = viewer
    await page.goto(`${board.url}/dashboard/schedules?account=south`)
    await page.getByRole('button', { name: 'Pause' }).first().click()
    await page.waitForSelector('.notice.good')
    await page.getByRole('button', { name: 'Resume' }).first().click()
    await page.waitForSelector('.notice.good')
    expect(viewer.complaints).toEqual([])
  })
})
