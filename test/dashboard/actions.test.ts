import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { boardTest as test } from './board-test.ts'
import { fieldsOf } from './open-dashboard.ts'

async function query<Row>(app: TestApp, text: string): Promise<readonly Row[]> {
  return (await sql.raw<Row>(text).execute(app.deps.store)).rows
}

async function addFailed(app: TestApp, account: string, many: number): Promise<void> {
  await sql`insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, ended_at)
    select gen_random_uuid()::text, ${account}, 'sync-users', jsonb_build_object('keys', jsonb_build_array(jsonb_build_array(n::text))), n::text,
      'cli', 'cli', 'normal', now(), 'failed', now() from generate_series(1, ${many}::int) n`.execute(app.deps.store)
}

async function lastAudit(app: TestApp) {
  const [row] = await query<{ action: string; affected: number | null; outcome: string | null; viewer: string }>(
    app,
    'select action, affected, outcome, viewer from worker.audit order by id desc limit 1',
  )
  return row
}

describe('a change over a filter', () => {
  test('is shown with its count first, and then concerns what was shown, not what came later', async ({
    app,
    board,
  }) => {
    const account = app.addAccount()
    await addFailed(app, account, 30)
    const preview = await board.get(`confirm?action=retry&account=${account}&from=requests`)
    expect(preview.text).toContain('30 requests.')
    await addFailed(app, account, 5)
    const { status, headers } = await board.post('act', fieldsOf(preview.text))
    expect(status).toBe(303)
    const waiting = await query<{ n: number }>(
      app,
      `select count(*)::int as n from worker.requests where account = '${account}' and state = 'waiting'`,
    )
    expect(waiting).toEqual([{ n: 30 }])
    expect(await lastAudit(app)).toMatchObject({
      action: 'retry',
      affected: 30,
      outcome: 'done',
      viewer: 'whoever has the link',
    })
    const back = await board.get(headers.get('location') ?? '')
    expect(back.text).toContain('Retry: done for 30')
    const audit = await board.get(`audit?account=${account}`)
    expect(audit.text).toContain('whoever has the link')
  })

  test.for(['retry', 'cancel', 'run', 'reset'])(
    '%s never means everything because a filter was lost',
    async (action, { board }) => {
      const preview = await board.get(`confirm?action=${action}`)
      expect(preview.status).toBe(400)
      const { status } = await board.post('act', { action })
      expect(status).toBe(400)
    },
  )

  test('one request is retried once, and a second time it says so', async ({ app, board }) => {
    const account = app.addAccount()
    await addFailed(app, account, 1)
    const [failed] = await query<{ id: string }>(app, `select id from worker.requests where account = '${account}'`)
    const fields = fieldsOf((await board.get(`confirm?action=retry&id=${failed?.id}`)).text)
    expect((await board.post('act', fields)).status).toBe(303)
    const again = await board.post('act', fields)
    expect([again.status, again.text]).toEqual([400, expect.stringContaining('was repeated already')])
  })

  test.for([{ action: 'retry' }, { action: 'cancel' }])(
    '$action is refused without a preview',
    async ({ action }, { app, board }) => {
      const { status, text } = await board.post('act', { action, account: 'default' })
      expect([status, text]).toEqual([400, expect.stringContaining('The preview is missing')])
      expect(await lastAudit(app)).toMatchObject({ action, outcome: 'failed' })
    },
  )

  test('cancels all that wait', async ({ app, board }) => {
    const account = app.addAccount()
    for (const id of ['1', '2', '3']) {
      await app.operations.makeRequest({ job: 'sync-users', account, payload: { keys: [[id]] } })
    }
    const preview = await board.get(`confirm?action=cancel&account=${account}&from=requests`)
    expect(preview.text).toContain('3 requests.')
    await board.post('act', fieldsOf(preview.text))
    expect(await query(app, `select distinct state from worker.requests where account = '${account}'`)).toEqual([
      { state: 'cancelled' },
    ])
  })
})

test('a job runs now, and fully, with high priority', async ({ app, board }) => {
  const account = app.addAccount()
  await board.post('act', { action: 'run', account, job: 'sync-users', from: 'jobs' })
  const full = await board.get(`confirm?action=full&account=${account}&job=sync-users`)
  await board.post('act', fieldsOf(full.text))
  expect(
    await query(app, `select payload, priority, caller from worker.requests where account = '${account}' order by seq`),
  ).toEqual([
    { payload: {}, priority: 'high', caller: 'dashboard' },
    { payload: { full: true }, priority: 'high', caller: 'dashboard' },
  ])
})

test('a schedule is paused and resumed', async ({ app, board }) => {
  await board.post('act', { action: 'pause', account: 'default', job: 'sync-users', from: 'schedules' })
  expect(
    (await app.operations.listSchedules()).find(row => row.account === 'default' && row.job === 'sync-users'),
  ).toMatchObject({ paused: true })
  await board.post('act', { action: 'resume', account: 'default', job: 'sync-users', from: 'schedules' })
  expect(
    (await app.operations.listSchedules()).find(row => row.account === 'default' && row.job === 'sync-users'),
  ).toMatchObject({ paused: false })
})

test('a hold is looked at now; a pause that an API asked for is kept', async ({ app, board }) => {
  await sql`insert into worker.holds (account, job, met_by, code, found, probe_at, asked_until) values
    ('default', 'sync-users', 'run', 'deletion-guard', 'gone', now() + interval '1 hour', null),
    ('default', '', 'run', 'rate-limited', 'slow', now() + interval '1 hour', now() + interval '1 hour')`.execute(
    app.deps.store,
  )
  await sql`insert into worker.missing_rows (account, job, here, missing, keys) values ('default', 'sync-users', 20, 12, '[["1"]]')`.execute(
    app.deps.store,
  )
  await board.post('act', { action: 'probe', account: 'default', from: 'holds' })
  expect(await query(app, 'select code, probe_at <= now() as due from worker.holds order by code')).toEqual([
    { code: 'deletion-guard', due: true },
    { code: 'rate-limited', due: false },
  ])
  const holds = await board.get('holds?account=default')
  expect(holds.text).toContain('Allow these deletions…')
  const preview = await board.get('confirm?action=allow-deletions&account=default&job=sync-users')
  await board.post('act', fieldsOf(preview.text))
  expect(
    await query(app, `select payload from worker.requests where account = 'default' and state = 'waiting'`),
  ).toContainEqual({
    payload: { allowDeletions: 12 },
  })
  await sql`delete from worker.holds`.execute(app.deps.store)
})

test('a dry run changes nothing, and leads to the run that says what would change', async ({ app, board }) => {
  const account = app.addAccount()
  const preview = await board.get(`confirm?action=dry-run&account=${account}&job=sync-topics&from=jobs`)
  const { headers } = await board.post('act', fieldsOf(preview.text))
  const back = await board.get(headers.get('location') ?? '')
  const result = /href="([^"]+)">See what would change/.exec(back.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  await expect.poll(async () => (await board.get(result)).text).toMatch(/succeeded<\/span>.*inserted/s)
  expect(await query(app, `select from worker.checkpoints where account = '${account}'`)).toEqual([])
})

test('reset forgets a checkpoint', async ({ app, board }) => {
  const account = app.addAccount()
  await sql`insert into worker.checkpoints (account, job, fingerprint) values (${account}, 'sync-users', 'x')`.execute(
    app.deps.store,
  )
  const preview = await board.get(`confirm?action=reset&account=${account}&job=sync-users`)
  await board.post('act', fieldsOf(preview.text))
  expect(await query(app, `select from worker.checkpoints where account = '${account}'`)).toEqual([])
})

describe('a change from elsewhere is refused', () => {
  const change = { action: 'run', account: 'default', job: 'sync-users' }
  test.for<[string, Record<string, string>]>([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling of this site', { 'sec-fetch-site': 'same-site' }],
    ['an address bar', { 'sec-fetch-site': 'none' }],
  ])('%s', async ([_name, headers], { board }) => {
    expect((await board.post('act', change, headers)).status).toBe(403)
  })

  test.for<[string, Record<string, string>, number]>([
    ['without fetch metadata and origin', {}, 403],
    ['without fetch metadata, from a foreign origin', { origin: 'https://evil.example' }, 403],
    ['without fetch metadata, from an opaque origin', { origin: 'null' }, 403],
  ])('%s', async ([_name, headers, expected], { board }) => {
    const response = await fetch(`${board.url}/dashboard/act`, {
      method: 'POST',
      headers: { cookie: board.cookie, ...headers },
      body: new URLSearchParams(change),
      redirect: 'manual',
    })
    expect(response.status).toBe(expected)
  })

  test('and one of this origin is not, where a browser sends no fetch metadata', async ({ board }) => {
    const { status } = await board.http
      .inject({
        method: 'POST',
        url: '/dashboard/act',
        headers: {
          cookie: board.cookie,
          origin: board.url,
          host: new URL(board.url).host,
          'content-type': 'application/x-www-form-urlencoded',
        },
        payload: new URLSearchParams(change).toString(),
      })
      .then(({ statusCode }) => ({ status: statusCode }))
    expect(status).toBe(303)
  })

  test('a page to come back to is one of ours', async ({ board }) => {
    for (const from of [
      'https://evil.example/',
      '//evil.example',
      '/etc',
      '../x',
      'runs?a=\r\nx',
      'javascript:alert(1)',
    ]) {
      const { headers } = await board.post('act', { ...change, from })
      expect(headers.get('location')).toMatch(/^\.\/\?done=\d+$/)
    }
  })
})

describe('the link', () => {
  test('lets in once', async ({ board }) => {
    const link = board.link()
    const first = await fetch(link, { redirect: 'manual' })
    expect([first.status, first.headers.get('location')]).toEqual([303, './'])
    expect(first.headers.getSetCookie()[0]).toMatch(/; HttpOnly; SameSite=Lax$/)
    const second = await fetch(link, { redirect: 'manual' })
    expect([second.headers.get('location'), second.headers.getSetCookie()]).toEqual(['login', []])
  })

  test('and no other token or cookie', async ({ board }) => {
    const guessed = await fetch(`${board.url}/dashboard/enter?token=${'a'.repeat(43)}`, { redirect: 'manual' })
    expect(guessed.headers.getSetCookie()).toEqual([])
    const changed = `${board.cookie.slice(0, -2)}xx`
    const { status } = await board.get('', { cookie: changed })
    expect(status).toBe(401)
  })

  test('logging out ends the session in the browser', async ({ board }) => {
    const { status, headers } = await board.post('logout', {})
    expect([status, headers.get('location')]).toEqual([303, 'login'])
    expect(headers.getSetCookie()[0]).toMatch(/=; Path=\/; Max-Age=0/)
  })
})
