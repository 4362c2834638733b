import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseApiBaseUrl, resolveApiUrl, showApiPath } from '../../src/rest/api-url.ts'

const base = parseApiBaseUrl('https://api.example.com/api/v1')

describe('a base URL', () => {
  test.each([
    ['https://api.example.com', 'https://api.example.com/'],
    ['https://api.example.com/api/v1', 'https://api.example.com/api/v1/'],
    ['https://api.example.com/api/v1/', 'https://api.example.com/api/v1/'],
    ['http://127.0.0.1:8080/x', 'http://127.0.0.1:8080/x/'],
  ])('%s is used as %s', (text, href) => {
    expect(parseApiBaseUrl(text).href).toBe(href)
  })

  test.each([
    'api.example.com',
    'http://api.example.com',
    'ftp://api.example.com',
    'https://u:canary@api.example.com',
    'https://api.example.com?canary',
    'https://api.example.com#canary',
  ])('%s is refused', text => {
    expect(() => parseApiBaseUrl(text)).toThrow(/^(?!.*canary)API_BASE_URL/)
  })
})

describe('a path', () => {
  test.each([
    ['/partner/orgs', '/partner/orgs'],
    ['partner/orgs', '/partner/orgs'],
    ['', '/'],
    ['/a:b', '/a:b'],
    ['/a%20b/c@d', '/a%20b/c@d'],
    ['/ä', '/%C3%A4'],
    ['/a..b/.well-known/x.', '/a..b/.well-known/x.'],
  ])('%j leads below the base URL', (path, shown) => {
    const url = resolveApiUrl(base, path)
    expect(url.href).toBe(`https://api.example.com/api/v1${shown}`)
    expect(showApiPath(base, url)).toBe(shown)
  })

  test.each([
    'https://evil.example/x',
    'HTTPS://evil.example/x',
    '//evil.example/x',
    '/\\evil.example/x',
    '\\\\evil.example',
    '/../x',
    '/a/../../x',
    '/a/..',
    '/./x',
    '/%2e%2e/x',
    '/.%2E/x',
    '/a%2f..%2fx',
    '/a%5C..%5Cx',
    '/..;x/y',
    '/a?canary=1',
    '/a#canary',
    '/a\tb',
    '/.\n./x',
    '/a b',
  ])('%j is refused', path => {
    expect(() => resolveApiUrl(base, path)).toThrow(
      /^(?!.*(?:canary|evil))A path for the API is not below API_BASE_URL/,
    )
  })

  test('of any text stays below the base URL or is refused', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('..', '.', '/', '\\', '%2e', '%2f', '%5c', '//', 'http:', '@', ':', '?', '#', ';', '\t', '\0'),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), pieces => {
        try {
          const url = resolveApiUrl(base, pieces.join(''), { q: 'x' })
          expect(url.origin).toBe(base.origin)
          expect(url.pathname.startsWith('/api/v1/')).toBe(true)
          expect(url.search).toBe('?q=x')
          expect(decodeURIComponent(url.pathname.replaceAll(/%(?![\da-f]{2})/gi, '%25')).split('/')).not.toContain('..')
        } catch (error) {
          if (!(error instanceof URIError)) expect(error).toMatchObject({ code: 'path' })
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('takes a query, of which undefined values are left out and lists repeat their name', () => {
    const url = resolveApiUrl(base, '/x', { a: 'b&c', n: 1, off: undefined, on: true, list: ['x', 'y'] })
    expect(url.search).toBe('?a=b%26c&n=1&on=true&list=x&list=y')
  })

  test('takes the query of a link, and nothing else of it', () => {
    const { searchParams } = new URL('https://evil.example/other?cursor=a%3D%3D&tag=x&tag=y')
    expect(resolveApiUrl(base, '/x', searchParams).href).toBe(`${base.href}x?cursor=a%3D%3D&tag=x&tag=y`)
  })
})
