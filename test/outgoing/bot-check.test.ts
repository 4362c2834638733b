import { describe, expect, test } from 'vitest'
import { describeNetworkFailure } from '../../src/failures/network-failure.ts'
import { createBoundedDispatcher } from '../../src/outgoing/bounded-dispatcher.ts'
import { exchange } from '../../src/outgoing/exchange.ts'
import { startScriptedServer, status } from '../fixtures/scripted-server.ts'

const limits = { timeoutMs: 10_000, maxBytes: 1_024, ifTooLarge: 'ask for less' }
const dispatcher: object = { dispatcher: createBoundedDispatcher(limits) }

const clients: [client: string, ask: (url: string) => Promise<unknown>][] = [
  ['an exchange', url => exchange(url, { method: 'POST', body: '{}' }, limits)],
  ['an exchange that ignores bodies', url => exchange(url, { method: 'POST' }, { ...limits, ignoresBody: true })],
  ['a library’s fetch', url => fetch(url, { method: 'POST', body: '{}', ...dispatcher })],
]

describe.each(clients)('%s that a check for bots answers', (_client, ask) => {
  test.each([
    // An API that is asked for JSON gets no page (soundcloud/api#542).
    ['AWS WAF', 202, { 'x-amzn-waf-action': 'challenge', 'content-length': '0' }, ''],
    ['AWS WAF with a puzzle', 405, { 'x-amzn-waf-action': 'captcha' }, ''],
    ['Cloudflare', 403, { 'cf-mitigated': 'challenge' }, '<title>Just a moment...</title>'],
    ['Vercel', 429, { 'x-vercel-mitigated': 'challenge' }, '<title>Vercel Security Checkpoint</title>'],
  ])('of %s has not reached the server', async (_name, code, headers, body) => {
    await using server = await startScriptedServer(status(code, body, headers))
    const failure = await ask(server.url).then(() => 'no failure', describeNetworkFailure)
    expect(failure).toMatchObject({
      neverSent: true,
      words: expect.stringContaining('a check for bots'),
      remedy: expect.stringContaining('firewall'),
    })
  })
})

test('a firewall that denies for good is an answer like any other', async () => {
  await using server = await startScriptedServer(status(403, '', { 'x-vercel-mitigated': 'deny' }))
  expect(await exchange(server.url, {}, limits)).toMatchObject({ status: 403 })
})
