import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OutageError, PermanentError, TransientError, UnknownOutcomeError } from '../../src/errors.ts'
import type { ApiRequest } from '../../src/rest/api-request.ts'
import { interpretAnswer } from '../../src/rest/interpret-answer.ts'

const now = Date.UTC(2026, 10, 1, 12)
const request = (method: string, more: Partial<ApiRequest> = {}): ApiRequest => ({
  method,
  name: `${method} /x`,
  address: 'the path',
  keyed: false,
  repeated: false,
  ...more,
})
const verdictOf = (status: number, sent: ApiRequest, headers: Record<string, string> = {}, text = '') => {
  const answer = { status, headers: new Headers(headers), body: Buffer.from(text), tokenBytes: 9_000 }
  const verdict = interpretAnswer(answer, sent, now)
  if (verdict.kind !== 'error') return verdict.kind
  const { error } = verdict
  const kind = [UnknownOutcomeError, OutageError, PermanentError, TransientError].find(type => error instanceof type)
  return `${kind?.name} ${error.code}`
}

const get = request('GET')
const post = request('POST')
const keyedPost = request('POST', { keyed: true })
const again = { repeated: true }

describe('an answer', () => {
  test.each<[number, ApiRequest, string]>([
    [200, get, 'done'],
    [201, post, 'done'],
    [204, post, 'done'],
    [304, get, 'done'],
    [401, post, 'token-rejected'],
    [403, get, 'PermanentError forbidden'],
    [404, get, 'PermanentError not-found'],
    [404, request('DELETE'), 'PermanentError not-found'],
    [404, request('DELETE', again), 'done'],
    [410, request('DELETE', again), 'done'],
    [404, request('PUT', again), 'PermanentError not-found'],
    [409, keyedPost, 'PermanentError http-409'],
    [409, request('POST', { keyed: true, repeated: true }), 'TransientError in-progress'],
    [409, request('PUT', again), 'PermanentError http-409'],
    [412, request('PUT'), 'PermanentError http-412'],
    [412, request('PUT', again), 'UnknownOutcomeError unknown-outcome'],
    [412, request('DELETE', again), 'UnknownOutcomeError unknown-outcome'],
    [412, request('GET', again), 'PermanentError http-412'],
    [412, request('HEAD', again), 'PermanentError http-412'],
    [422, post, 'PermanentError http-422'],
    [429, post, 'rate-limited'],
    [408, get, 'TransientError http-408'],
    [408, post, 'UnknownOutcomeError unknown-outcome'],
    [500, get, 'TransientError http-500'],
    [500, post, 'UnknownOutcomeError unknown-outcome'],
    [500, keyedPost, 'TransientError http-500'],
    [502, get, 'OutageError http-502'],
    [502, request('PATCH'), 'UnknownOutcomeError unknown-outcome'],
    [503, get, 'OutageError http-503'],
    [503, post, 'UnknownOutcomeError unknown-outcome'],
    [504, get, 'TransientError http-504'],
    [501, post, 'PermanentError http-501'],
    [302, get, 'OutageError redirect'],
    [302, post, 'UnknownOutcomeError unknown-outcome'],
    [308, post, 'OutageError redirect'],
    [407, post, 'OutageError http-407'],
    [421, post, 'OutageError http-421'],
    [425, get, 'OutageError http-425'],
    [425, post, 'OutageError http-425'],
  ])('of HTTP %d to %o means: %s', (status, sent, meaning) => {
    expect(verdictOf(status, sent)).toBe(meaning)
  })

  describe('that is a web page instead of the API’s', () => {
    const html = { 'content-type': 'text/html; charset=utf-8' }
    const page = '\uFEFF\n<!DOCTYPE html><title>canary</title>'

    test.each([
      [404, get, 'OutageError http-404'],
      [404, request('DELETE', again), 'OutageError http-404'],
      [410, get, 'OutageError http-410'],
      [403, post, 'OutageError http-403'],
      [400, post, 'OutageError http-400'],
      [405, post, 'OutageError http-405'],
      [413, post, 'PermanentError http-413'],
      [429, get, 'rate-limited'],
      [401, get, 'token-rejected'],
    ])('of HTTP %d to %o means: %s', (status, sent, meaning) => {
      expect(verdictOf(status, sent, html, page)).toBe(meaning)
    })

    test('tells of an encoded slash in the path that the server may refuse', () => {
      const remedyOf = (path: string) => {
        const answer = { status: 400, headers: new Headers(html), body: Buffer.from(page) }
        return interpretAnswer(answer, { ...get, name: `GET ${path}` }, now)
      }
      expect(remedyOf('/x/a%2Fb')).toMatchObject({ error: { remedy: expect.stringMatching(/^let the server accept/) } })
      expect(remedyOf('/x/a%20b')).toMatchObject({ error: { remedy: expect.stringMatching(/^check the path/) } })
    })

    test('of HTTP 400 is about this job, also with a large token, which it tells of', () => {
      const answer = { status: 400, headers: new Headers(html), body: Buffer.from(page), tokenBytes: 20_000 }
      expect(interpretAnswer(answer, get, now)).toMatchObject({
        error: {
          code: 'http-400',
          scope: 'job',
          remedy: expect.stringMatching(/larger headers.*20000 bytes; or check/),
        },
      })
    })

    const plain = { 'content-type': 'text/plain; charset=utf-8' }

    test.each([
      '404 page not found\n',
      'default backend - 404',
      'response 404 (backend NotFound), service rules for the path non-existent',
      "404 Not Found: Requested route ('api.example') does not exist.\n",
    ])('is one also with the words %j of a proxy', text => {
      expect(verdictOf(404, get, plain, text)).toBe('OutageError http-404')
      expect(verdictOf(404, request('DELETE', again), plain, text)).toBe('OutageError http-404')
    })

    test.each([
      ['other words', plain, 'page 404 page not found'],
      ['no content', html, ''],
      ['words', html, 'Not found'],
      ['JSON', { 'content-type': 'application/json' }, '"<html>"'],
      ['no type', {}, page],
    ])('is not one with %s', (_name, headers, text) => {
      expect(verdictOf(404, get, headers, text)).toBe('PermanentError not-found')
    })
  })

  test.each([
    [431, {}, ''],
    [494, { 'content-type': 'text/html' }, '<html>'],
    [400, { 'content-type': 'text/html' }, '<center>Request Header Or Cookie Too Large</center>'],
  ])('of HTTP %d with %o and "%s" is about the token, whatever was sent', (status, headers, text) => {
    for (const sent of [get, post]) {
      const answer = { status, headers: new Headers(headers), body: Buffer.from(text), tokenBytes: 9_000 }
      expect(interpretAnswer(answer, sent, now)).toMatchObject({
        error: { code: 'claims', scope: 'account', found: expect.stringMatching(/was refused.*token of 9000 bytes/) },
      })
    }
  })

  test('of HTTP 400 whose JSON finds a header too long is about the request', () => {
    const json = { 'content-type': 'application/json' }
    expect(verdictOf(400, post, json, '{"error":"the header is too long"}')).toBe('PermanentError http-400')
  })

  test.each([403, 503, 529])('of HTTP %d that names a pause was not carried out', status => {
    expect(verdictOf(status, post, { 'retry-after': '3' })).toBe('rate-limited')
  })

  test.each([get, post])('of HTTP 403 to %o is no refusal for ever where no requests are left', sent => {
    const left = (remaining: string) => ({ 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': '1200' })
    expect(verdictOf(403, sent, left('0'))).toBe('rate-limited')
    expect(verdictOf(403, sent, left('1'))).toBe('PermanentError forbidden')
  })

  test.each([
    ['/x/', /end the path with a slash/],
    ['https://api.example/base/x/?a=b', /end the path with a slash/],
    ['/login/', /login page/],
    ['/x', /login page/],
    ['', /login page/],
  ])('that redirects to %j says what to do', (location, remedy) => {
    const answer = { status: 307, headers: new Headers({ location }) }
    expect(interpretAnswer(answer, get, now)).toMatchObject({ error: { remedy: expect.stringMatching(remedy) } })
  })

  test.each([
    [406, /accept of api\.fetch/],
    [415, /content-type of api\.fetch/],
    [422, /the request must change/],
  ])('of HTTP %d says what to do', (status, remedy) => {
    expect(interpretAnswer({ status, headers: new Headers() }, post, now)).toMatchObject({
      error: { code: `http-${status}`, remedy: expect.stringMatching(remedy) },
    })
  })

  test('of any status to a request that must not be sent twice never asks for that, unless it says that nothing was done', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), fc.constantFrom('POST', 'PATCH'), (status, method) => {
        const meaning = verdictOf(status, request(method))
        if (meaning.startsWith('TransientError')) throw new Error(`${status} would be sent again`)
        if (meaning.startsWith('OutageError')) expect([307, 308, 407, 421, 425]).toContain(status)
      }),
      { numRuns: 800 },
    )
  })
})
