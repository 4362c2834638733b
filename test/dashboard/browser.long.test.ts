import axe from 'axe-core'
import { sql } from 'kysely'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { actions } from '../../src/dashboard/actions/list.ts'
import { pages } from '../../src/dashboard/pages/list.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { createNumberedTable, openTableSandbox, type TableSandbox } from '../fixtures/source-table.ts'
import { chromiumPath } from '../services/chromium.ts'
import { nginxServer, startNginx } from '../services/start-nginx.ts'
import { openTestDashboard, type TestDashboard } from './open-dashboard.ts'

/** Where screenshots go, for whoever wants to look at them. */
const shots = process.env.SCREENSHOTS

let sandbox: TableSandbox
let app: TestApp
let board: TestDashboard
let browser: Browser
let stands: string
const addresses = new Map<string, string>()

beforeAll(async () => {
  if (chromiumPath === undefined) return
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
  sandbox = await openTableSandbox()
  app = await openTestApp({ sandbox, clients: [{ clientId: 'north' }, { clientId: 'south' }] })
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
    line: `line?account=${stands}&job=sync-users`,
    missing: 'missing?account=north&job=sync-users',
    table: 'table?name=users',
  })) {
    addresses.set(name, address)
  }
})
afterAll(async () => {
  await browser?.close()
  await board?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
  await sandbox?.[Symbol.asyncDispose]()
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

  test('somebody finds why an account is held, fixes it and sees it resume', async () => {
    await using viewer = await enter()
    const { page } = viewer
    expect(await page.locator('.verdict').first().textContent()).toMatch(/^Action needed: \d holds?/)
    const card = page.locator('.card', { hasText: stands }).first()
    expect(await card.textContent()).toContain('viewer')
    await card.getByRole('link', { name: stands }).click()
    await page.waitForURL(/account\?name=west/)
    app.idp.setRoles(stands, ['viewer'])
    // Once is enough, also while a probe is running that has seen the account as it was.
    await page.getByRole('button', { name: 'Look again now' }).first().click()
    await page.getByText('Nothing is held.').waitFor()
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

  test('a page updates automatically and keeps the focus', async () => {
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

  test('a page that hears nothing connects again: a connection may be lost without an error', async () => {
    await using viewer = await enter()
    const { page } = viewer
    await page.clock.install()
    await page.goto(`${board.url}/dashboard/accounts`)
    await page.waitForSelector('#live-state:has-text("Live")')
    const again = page.waitForRequest(/live\?/)
    await page.clock.fastForward(61_000)
    await again
    await page.waitForSelector('#live-state:has-text("Live")')
    expect(viewer.complaints).toEqual([])
  })

  test('a page that updates stays where somebody has scrolled a table to', async () => {
    await using viewer = await enter({ viewport: { width: 700, height: 800 } })
    const { page } = viewer
    await page.goto(`${board.url}/dashboard/runs?account=north`)
    await page.waitForSelector('#live-state:has-text("Live")')
    await page.evaluate('document.querySelector(".scroll").scrollLeft = 40')
    const before = await page.locator('tbody tr').count()
    const { id } = await app.operations.makeRequest({ job: 'sync-users', account: 'north', payload: { full: true } })
    await app.operations.getRequest({ id, waitSeconds: 60 })
    await expect.poll(() => page.locator('tbody tr').count()).toBeGreaterThan(before)
    expect(await page.evaluate('document.querySelector(".scroll").scrollLeft')).toBe(40)
  })

  test('a dry run is begun, and its run says what would change', async () => {
    await using viewer = await enter()
    const { page } = viewer
    await page.goto(`${board.url}/dashboard/line?account=north&job=sync-topics`)
    await page.getByRole('link', { name: 'Dry run…' }).click()
    await page.getByRole('button', { name: 'Dry run (1)' }).click()
    await page.getByRole('link', { name: 'See what would change' }).click()
    await page.waitForSelector('tbody .badge:has-text("succeeded")')
    await page.locator('tbody a').first().click()
    await page.waitForSelector('text=the counts say what would change')
    expect(viewer.complaints).toEqual([])
  })

  test('a run is cancelled while it is running', async () => {
    await using viewer = await enter()
    const { page } = viewer
    const lift = app.hasura.fault({ operationName: 'PullTopics' }, { kind: 'hang' })
    const { id } = await app.operations.makeRequest({ job: 'sync-topics', account: 'south', payload: { full: true } })
    await page.goto(`${board.url}/dashboard/request?id=${id}`)
    await page.waitForSelector('.badge:has-text("running")')
    await page.getByRole('link', { name: 'Cancel…' }).click()
    await page.getByRole('button', { name: 'Cancel (1)' }).click()
    await page.waitForSelector('p > .badge:has-text("cancelled")')
    lift()
    expect(viewer.complaints).toEqual([])
  })

  test('the rows that a deletion guard keeps are looked at, and their deletion is allowed', async () => {
    await using viewer = await enter()
    const { page } = viewer
    const table = await createNumberedTable(sandbox, 20)
    const job = table.pull()
    app.addJob(job)
    const line = { account: 'north', job: job.name }
    const first = await app.operations.makeRequest({ ...line, payload: {} })
    await app.operations.getRequest({ id: first.id, waitSeconds: 60 })
    await app.hasura.sql(`delete from ${table.name} where id <= 12`)
    await app.operations.makeRequest({ ...line, payload: { sweep: true } })
    await page.goto(`${board.url}/dashboard/line?${new URLSearchParams(line)}`)
    await page.getByRole('link', { name: 'Which rows' }).click()
    await page.waitForURL(/missing/)
    expect(await page.locator('td[data-title="title"]').allTextContents()).toEqual(
      Array.from({ length: 12 }, (_, at) => `row ${at + 1}`),
    )
    expect(await findViolations(page)).toEqual([])
    await shoot(page, 'missing-light')
    await page.getByRole('link', { name: 'Allow these deletions…' }).click()
    await page.waitForURL(/confirm/)
    expect(await page.locator('td[data-title="title"]').count()).toBe(12)
    await shoot(page, 'allow-light')
    await page.getByRole('button', { name: 'Allow these deletions (12)' }).click()
    await page.waitForSelector('.notice.good')
    await page.waitForSelector('text=No deletion guard keeps rows here')
    const { rows } = await sql<{ gone: number }>`select count(*)::int as gone from ${sql.table(`mirror.${table.name}`)}
      where _deleted_at is not null and id <= 12`.execute(app.deps.store)
    expect(rows).toEqual([{ gone: 12 }])
    expect(viewer.complaints).toEqual([])
  })

  test('the held account is found and fixed on a narrow phone, without JavaScript', async () => {
    app.idp.setRoles(stands, ['auditor'])
    app.deps.accounts.get(stands)?.tokens.drop((await app.deps.accounts.get(stands)?.tokens.get()) ?? expect.fail())
    await app.operations.makeRequest({ job: 'sync-users', account: stands })
    await expect
      .poll(async () => (await app.operations.listHolds()).map(hold => hold.account), { timeout: 30_000 })
      .toContain(stands)
    await using phone = await enter({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } })
    const { page } = phone
    await page.getByRole('link', { name: stands }).first().click()
    expect(await page.locator('main').textContent()).toContain('It is held')
    app.idp.setRoles(stands, ['viewer'])
    await page.getByRole('button', { name: 'Look again now' }).first().click()
    await expect.poll(async () => (await page.reload()) && page.getByText('Nothing is held.').isVisible()).toBe(true)
  })

  test.each(Object.entries(actions).map(([name, { title }]) => ({ name, title })))(
    '"$name" works without JavaScript',
    async ({ name, title }) => {
      await using viewer = await enter({ javaScriptEnabled: false })
      const { page } = viewer
      const line = { account: 'south', job: 'sync-articles' }
      await prepare(name, line)
      await page.goto(`${board.url}/dashboard/confirm?${new URLSearchParams({ action: name, ...line, from: 'jobs' })}`)
      await page.getByRole('button', { name: new RegExp(`^${title} \\(`) }).click()
      await page.waitForSelector('.notice.good')
      expect(page.url()).toMatch(/\/dashboard\/jobs\?done=\d+$/)
      expect(viewer.complaints).toEqual([])
    },
  )

  test.skipIf(!nginxServer)('works under a prefix that a proxy removes', async () => {
    await using nginx = await startNginx({ '/ops/worker/': `${board.url}/`, '/kept/': board.url })
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(board.link().replace(board.url, `${nginx.url}/ops/worker`))
    expect(page.url()).toBe(`${nginx.url}/ops/worker/dashboard/`)
    await page.getByRole('link', { name: 'Schedules' }).click()
    await page.waitForSelector('#live-state:has-text("Live")')
    await page.getByRole('button', { name: 'Pause' }).first().click()
    await page.waitForSelector('.notice.good')
    await page.getByRole('button', { name: 'Resume' }).first().click()
    await page.waitForSelector('.notice.good')
    expect(page.url()).toMatch(`${nginx.url}/ops/worker/dashboard/schedules?done=`)
    await page.goto(`${nginx.url}/ops/worker/`)
    expect(page.url()).toBe(`${nginx.url}/ops/worker/dashboard/`)
    expect((await fetch(`${nginx.url}/kept/dashboard/`)).status).toBe(404)
    await context.close()
  })
})

async function findOpen(line: { account: string; job: string }) {
  return (await app.operations.listRequests(line)).filter(({ state }) => state === 'waiting' || state === 'running')
}

/** What the action needs to find. */
async function prepare(action: string, { account, job }: { account: string; job: string }): Promise<void> {
  const { store } = app.deps
  await sql`delete from worker.holds where account = ${account}`.execute(store)
  // A run of the action before this one would lift the hold.
  await expect.poll(() => findOpen({ account, job }), { timeout: 30_000 }).toEqual([])
  if (action === 'resume') await app.operations.pauseSchedule({ account, job, paused: true })
  if (action === 'retry') {
    await sql`insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, ended_at)
      values ('to-retry', ${account}, ${job}, '{}', 'x', 'cli', 'cli', 'normal', now(), 'failed', now())`.execute(store)
  }
  const isHeld = action === 'probe' || action === 'allow-deletions' || action === 'cancel'
  if (!isHeld) return
  await sql`insert into worker.holds (account, job, met_by, code, found, probe_at)
    values (${account}, ${job}, 'run', 'deletion-guard', 'gone', now() + interval '1 hour')`.execute(store)
  await sql`insert into worker.missing_rows (account, job, here, missing, keys)
    values (${account}, ${job}, 20, 12, '[["c0000000-0000-4000-8000-000000000001"]]') on conflict do nothing`.execute(
    store,
  )
  if (action === 'cancel') await app.operations.makeRequest({ account, job, payload: { keys: [['1']] } })
}
