import { describe, expect, test } from 'vitest'
import { describeRedirect, describeRejection } from '../../src/failures/http-status.ts'

const redirect = (location?: string) =>
  describeRedirect({ status: 302, headers: new Headers(location === undefined ? {} : { location }) })
const rejection = (challenge?: string, secrets: readonly string[] = []) => {
  const headers = new Headers(challenge === undefined ? {} : { 'www-authenticate': challenge })
  return describeRejection({ status: 401, headers }, secrets)
}

describe('a redirect', () => {
  test.each([
    ['https://canary:canary@login.example/canary?state=canary#canary', 'redirects to https://login.example (HTTP 302)'],
    ['http://login.example:8080', 'redirects to http://login.example:8080 (HTTP 302)'],
    ['/canary/', 'redirects to another path (HTTP 302)'],
    ['//login.example/', 'redirects (HTTP 302)'],
    ['javascript:canary', 'redirects (HTTP 302)'],
    ['canary', 'redirects (HTTP 302)'],
    ['', 'redirects (HTTP 302)'],
    [undefined, 'redirects (HTTP 302)'],
  ])('to %j is told without what may be secret', (location, words) => {
    expect(redirect(location)).toBe(words)
  })

  test('to a very long host is told with its beginning', () => {
    expect(redirect(`https://${'a'.repeat(9_000)}.example/`).length).toBeLessThan(250)
  })
})

describe('a rejected token', () => {
  test.each([
    [undefined, 'HTTP 401'],
    ['Bearer', 'HTTP 401'],
    ['Bearer realm="api"', 'HTTP 401'],
    [
      'Bearer error="invalid_token", error_description="The \\"exp\\" has passed"',
      'HTTP 401, invalid_token, The "exp" has passed',
    ],
    ['bearer realm="api",error=invalid_token', 'HTTP 401, invalid_token'],
    ['Basic realm="staging"', 'HTTP 401, Basic'],
    ['Negotiate, NTLM', 'HTTP 401, Negotiate'],
    ['DPoP algs="ES256", error="invalid_dpop_proof"', 'HTTP 401, DPoP, invalid_dpop_proof'],
    ['="nonsense', 'HTTP 401'],
    ['', 'HTTP 401'],
  ])('with the challenge %j is told as %j', (challenge, words) => {
    expect(rejection(challenge)).toBe(words)
  })

  test('is told without secrets', () => {
    const said = rejection('Bearer error="invalid_token", error_description="canary-secret is no token"', [
      'canary-secret',
    ])
    expect(said).toBe('HTTP 401, invalid_token, [redacted] is no token')
  })
})
