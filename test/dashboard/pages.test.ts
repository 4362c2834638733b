import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pages } from '../../src/dashboard/pages/list.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { openTestDashboard, type TestDashboard } from './open-dashboard.ts'

/** What a name, a message or a claim may hold. */
const evil = `"><script>alert('x')</script>\u202e\u0007&amp; {{7*7}}`

let app: TestApp
let board: TestDashboard
let requestId: string
let runId: string
beforeAll(async () => {
  app = await openTestApp()
  board = await openTestDashboard(app)
  await app.serve()
  const { id } = await app.operations.makeRequest({ job: 'sync-users' })
  await app.operations.getRequest({ id, waitSeconds: 60 })
  requestId = id
  runId = (await app.operations.getRequest({ id })).runs[0]?.id ?? ''
  await fill()
})
afterAll(async () => {
  await board[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

/** Rows that hold what other systems and people may write, in every place from which a page takes text. */
async function fill() {
  const { store } = app.deps
  await sql`insert into worker.holds (account, job, met_by, code, found, remedy, probe_at)
    values (${evil}, ${evil}, 'gate', ${evil}, ${evil}, ${evil}, now() + interval '1 hour')`.execute(store)
  await sql`insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, error_code,
      error_found, error_remedy, ended_at)
    values ('evil-failed', ${evil}, ${evil}, jsonb_build_object('x', ${evil}::text), 'h', ${evil}, ${evil}, 'normal', now(), 'failed', ${evil},
      ${evil}, ${evil}, now())`.execute(store)
  // Otherwise nothing waits for the hold, and it is dropped.
  await sql`insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank)
    values ('evil-waiting', ${evil}, ${evil}, '{}', 'w', ${evil}, ${evil}, 'normal', now())`.execute(store)
  await sql`insert into worker.runs (id, request_id, account, job, trigger, caller, attempt, state, process, fence, from_position,
      to_position, error_code, error_found, error_remedy, finished_at, counts)
    values ('00000000-0000-0000-0000-00000000e711', 'evil-failed', ${evil}, ${evil}, ${evil}, ${evil}, 1, 'failed',
      gen_random_uuid(), 1, ${evil}, ${evil}, ${evil}, ${evil}, ${evil}, now(), jsonb_build_object(${evil}::text, 1))`.execute(
    store,
  )
  await sql`insert into worker.schedules (account, job, rule, next_run_at) values (${evil}, ${evil}, ${evil}, now())`.execute(
    store,
  )
  await sql`insert into worker.webhooks (account, webhook, address) values (${evil}, ${evil}, ${evil})`.execute(store)
  await sql`insert into worker.change_readers (reader, mirror, account, position) values (${evil}, ${evil}, ${evil}, 0)`.execute(
    store,
  )
  await sql`insert into worker.audit (viewer, caller, action, wanted, told, outcome)
    values (${evil}, ${evil}, ${evil}, jsonb_build_object('account', ${evil}::text), ${evil}, 'failed')`.execute(store)
  await sql`insert into worker.live (account, job, state, code, found, remedy)
    values (${evil}, ${evil}, 'failing', ${evil}, ${evil}, ${evil})`.execute(store)
  board.runLog.add(JSON.stringify({ run: '00000000-0000-0000-0000-00000000e711', msg: evil }))
}

/** Each page, with what it needs in its address. */
function addressOf(name: string): string {
  const needed: Readonly<Record<string, string>> = {
    account: 'account?name=default',
    job: 'job?name=sync-users',
    line: 'line?account=default&job=sync-users',
    missing: 'missing?account=default&job=sync-users',
    request: `request?id=${requestId}`,
    run: `run?id=${runId}`,
    table: 'table?name=users',
  }
  return needed[name] ?? name
}

describe.each(pages.map(({ name }) => ({ name })))('page "$name"', ({ name }) => {
  test('is complete HTML that loads nothing from elsewhere and runs nothing inline', async () => {
    const { status, headers, text } = await board.get(addressOf(name))
    expect({ status, text }).toMatchObject({ status: 200, text: expect.stringMatching(/<\/html>$/) })
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; /)
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(text).not.toMatch(/(?:src|href|action)="(?:\w+:)?\/\//)
    expect(text).not.toMatch(/ on\w+=|<style| style=|javascript:/)
    expect([...text.matchAll(/<script([^>]*)>/g)].map(([, given]) => given)).toEqual([
      expect.stringContaining('src="live.js?'),
    ])
  })

  test('shows whatever others wrote as text', async () => {
    const { text } = await board.get(addressOf(name))
    expect(text).not.toContain('<script>alert')
    for (const hidden of ['\u202e', '\u0007']) expect(text).not.toContain(hidden)
    expect(text).not.toContain("'x'")
  })

  test('sends nobody in without a session', async () => {
    const response = await fetch(`${board.url}/dashboard/${addressOf(name)}`, { redirect: 'manual' })
    expect(response.status).toBe(401)
    expect(await response.text()).not.toContain('default')
  })
})

test('the last change of a table is told also after schema "worker" was restored without the mirror', async () => {
  const { store } = app.deps
  await sql`insert into worker.change_readers (reader, mirror, account, position) values ('index', 'users', '', 1)`.execute(
    store,
  )
  await sql`update worker.change_counters set last = 1 where mirror = 'users'`.execute(store)
  // Scheduled runs go on writing.
  const tells = async (page: string, row: string, column: string, position: bigint) => {
    const { rows } = await sql<{ last: string }>`select max(_change)::text as last from mirror.users`.execute(store)
    const told = BigInt(rows[0]?.last ?? expect.fail()) - position
    return new RegExp(`>${row}<.*data-title="${column}"[^>]*>${told}<`, 's').test((await board.get(page)).text)
  }
  await expect.poll(() => tells('tables', 'users', 'Changes so far', 0n)).toBe(true)
  await expect.poll(() => tells('subscribers', 'index', 'Changes behind', 1n)).toBe(true)
})

test.each(['run?id=00000000-0000-0000-0000-00000000e711', 'request?id=evil-failed'])(
  '%s shows evil text as text',
  async address => {
    const { status, text } = await board.get(address)
    expect(status).toBe(200)
    expect(text).not.toContain('<script>alert')
    expect(text).toContain('&lt;script&gt;alert')
    expect(text).toContain('⟨U+202E⟩')
  },
)

test('the first page says that action is needed, and why', async () => {
  const { text } = await board.get('')
  expect(text).toContain('Action needed: 1 hold; 1 failed today')
  expect(text).toContain('To fix it:')
  expect(text).toContain('Look again now')
})

test('the first page leaves out what was retried, and the ticks of jobs that no worker has', async () => {
  const repeatedBy = (id: string | null) =>
    sql`update worker.requests set superseded_by = ${id} where id = 'evil-failed'`.execute(app.deps.store)
  await repeatedBy('evil-waiting')
  const { text } = await board.get('')
  await repeatedBy(null)
  expect(text).toContain('Action needed: 1 hold.')
  expect(text.slice(text.indexOf('<h2>Due next</h2>'))).not.toContain('{{7*7}}')
})

test('the first page tells of webhooks that send nothing more, as long as a worker has them', async () => {
  const { store } = app.deps
  await sql`insert into worker.webhooks (account, webhook, address, state)
    values ('default', 'sync-users', '', 'parked'), ('default', 'removed', '', 'ended')`.execute(store)
  const { text } = await board.get('')
  await sql`delete from worker.webhooks where account = 'default'`.execute(store)
  expect(text).toMatch(/Action needed: .*; 1 webhook sends nothing/)
  expect(text).toContain('<a href="subscribers">1</a>')
})

test('an account shows its login, its roles and its runs', async () => {
  const { text } = await board.get('account?name=default')
  expect(text).toContain('Nothing is held.')
  expect(text).toContain('Token until')
  expect(text).toMatch(/viewer<\/td><td data-title="Used by"[^>]*>[^<]*sync-users/)
  expect(text).not.toMatch(/eyJ[\w-]{10}/)
})

test('a run shows its counts', async () => {
  const { text } = await board.get(`run?id=${runId}`)
  expect(text).toContain('Rows inserted')
  expect(text).toContain(requestId)
})

test.each([
  ['runs?state=bogus', 400],
  ['runs?acount=default', 400],
  ['runs?since=yesterday', 400],
  ['runs?since=2026-11-27T08:00&state=succeeded', 200],
  ['run?id=none', 404],
  ['account?name=nobody', 404],
  ['table?name=nothing', 404],
  ['job?name=nothing', 404],
])('%s is answered with %i, never with what was not asked for', async (address, expected) => {
  const { status, headers } = await board.get(address)
  expect(status).toBe(expected)
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
})

test('filters are in the address, and the form shows them again', async () => {
  const { text } = await board.get('runs?account=default&job=sync-users&state=succeeded')
  expect(text).toContain('name="account" type="text" value="default"')
  expect(text).toContain('<option value="succeeded" selected>')
  expect(text).toContain(`run?id=${runId}`)
})

test.each([
  ['trigger=dry-run', '<option value="dry-run" selected>'],
  ['since=2026-11-27T08:00', 'name="since" type="datetime-local" value="2026-11-27T08:00"'],
  ['since=2026-11-27', 'name="since" type="datetime-local" value="2026-11-27T00:00"'],
  ['until=2026-11-27T08:00:05.25%2B02:00', 'name="until" type="datetime-local" value="2026-11-27T06:00:05.250"'],
])('the form of runs for %s keeps it when it is sent', async (query, field) => {
  const { text } = await board.get(`runs?${query}`)
  expect(text).toContain(field)
})

test('what was entered into a filter is entered again, also in scripts and emoji with joiners', async () => {
  const entered = 'Zoë 👩\u200d💻 <می\u200cخواهم> "&'
  const { text } = await board.get(`audit?${new URLSearchParams({ viewer: entered })}`)
  expect(text).toContain('value="Zoë 👩\u200d💻 &lt;می\u200cخواهم&gt; &quot;&amp;"')
})

test('/ and /dashboard lead to the dashboard', async () => {
  for (const path of ['/', '/dashboard']) {
    const { status, headers } = await fetch(`${board.url}${path}`, { redirect: 'manual' })
    expect([status, headers.get('location')]).toEqual([303, 'dashboard/'])
  }
})

test.each([
  ['gzip', 'gzip'],
  ['br;q=1, GZIP ; q=0.5', 'gzip'],
  ['identity', null],
  ['gzip;q=0', null],
  ['gzip; q=0.000, identity', null],
])('a page for "Accept-Encoding: %s" is compressed only if that is taken', async (accepted, encoding) => {
  const { headers, text } = await board.get('', { 'accept-encoding': accepted })
  expect(headers.get('content-encoding')).toBe(encoding)
  expect(text).toContain('</html>')
})

test('browsers keep its files only at the address of this version, which a page of another one has not', async () => {
  const { text } = await board.get('')
  const [, version = ''] = /live\.js\?([\w-]+)/.exec(text) ?? []
  const kept = async (address: string) => (await board.get(address)).headers.get('cache-control')
  for (const file of ['live.js', 'style.css', 'icon.svg']) {
    expect(await kept(`${file}?${version}`)).toContain('immutable')
    expect(await kept(`${file}?of-another-one`)).toBe('no-cache')
  }
})

test('the script is smaller than 5 kB', async () => {
  const { text, headers } = await board.get('live.js')
  expect(text.length).toBeLessThan(5_000)
  expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8')
})
