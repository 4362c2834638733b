import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { type Clock, systemClock } from '../../src/time/clock.ts'
import { boardTest as test } from './board-test.ts'
import { openTestDashboard, type TestDashboard } from './open-dashboard.ts'

/** What comes in a stream until the text is there. */
async function readUntil(response: IncomingMessage, wanted: string): Promise<string> {
  let seen = ''
  for await (const part of response.setEncoding('utf8')) {
    seen += part
    if (seen.includes(wanted)) return seen
  }
  throw new Error(`the stream ended before ${wanted}: ${seen}`)
}

async function open(
  board: TestDashboard,
  page: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  const asked = request(`${board.url}/dashboard/live?page=${encodeURIComponent(page)}`, {
    headers: { cookie: board.cookie, ...headers },
  }).end()
  const [response]: IncomingMessage[] = await once(asked, 'response')
  if (!response) throw new Error('no response')
  return response
}

async function versionOf(board: TestDashboard, page: string): Promise<string> {
  return /data-version="([^"]+)"/.exec((await board.get(page)).text)?.[1] ?? ''
}

test('a stream sends the page when it has changed, with a version to go on from', async ({ app, board }) => {
  const stream = await open(board, 'holds', { 'last-event-id': await versionOf(board, 'holds') })
  expect(stream.headers['content-type']).toBe('text/event-stream')
  expect(stream.headers['content-security-policy']).toMatch(/^default-src 'none'/)
  await sql`insert into worker.holds (account, job, met_by, code, found, probe_at)
    values ('default', '', 'gate', 'claims', ${'two\nlines'}, now() + interval '1 hour')`.execute(app.deps.store)
  const text = await readUntil(stream, 'Held since')
  expect(text).toMatch(/^retry: 3000\n\nid: [\w-]{16}\ndata: /)
  expect(text.split('\n').filter(line => line !== '' && !/^(data|id|retry): /.test(line))).toEqual([])
  stream.destroy()
})

test('who has the newest version is sent nothing, and who has none is sent all', async ({ board }) => {
  const page = 'accounts'
  const all = await open(board, page)
  expect(await readUntil(all, 'default')).toContain(`id: ${await versionOf(board, page)}`)
  all.destroy()
})

test('a stream without changes sends events, which tell the page that it is connected', async ({ app }) => {
  const looks: Clock = { ...systemClock, sleep: async (_ms, signal) => signal?.throwIfAborted() }
  await using quick = await openTestDashboard(app, looks)
  const stream = await open(quick, 'accounts', { 'last-event-id': await versionOf(quick, 'accounts') })
  // Browsers dispatch no event whose data are missing.
  await readUntil(stream, 'event: same\ndata:\n\nevent: same\ndata:\n\n')
  stream.destroy()
})

test.for([
  ['nothing-like-it', 404],
  ['runs?state=bogus', 400],
] as const)('a stream of %s is refused', async ([page, expected], { board }) => {
  const stream = await open(board, page)
  expect(stream.statusCode).toBe(expected)
  stream.resume()
})

test('nobody has a stream without a session', async ({ board }) => {
  const stream = await open(board, 'holds', { cookie: '' })
  expect(stream.statusCode).toBe(401)
  stream.resume()
})

test('a closed stream is given up, and a worker that stops ends all', async ({ app }) => {
  await using other = await openTestDashboard(app)
  const asked = request(`${other.url}/dashboard/live?page=jobs`, { headers: { cookie: other.cookie } }).end()
  const [stream]: IncomingMessage[] = await once(asked, 'response')
  const ended = stream && once(stream.resume(), 'close')
  await other.http.close()
  await ended
})
