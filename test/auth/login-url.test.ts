import { describe, expect, test } from 'vitest'
import { parseLoginUrl, parseNamedUrl } from '../../src/auth/login-url.ts'
import { RefusalError } from '../../src/errors.ts'
import { showUrl } from '../../src/outgoing/secure-address.ts'

describe('the URL of a login', () => {
  test.each([
    'https://id.example.com/realms/a',
    'http://localhost:8080/realms/a',
    'http://keycloak.localhost/realms/a',
    'http://127.0.0.1/realms/a',
    'http://127.8.9.1/realms/a',
    'http://[::1]:8080/realms/a',
  ])('%s is taken', url => {
    expect(parseLoginUrl(url, 'OIDC_ISSUER').href).toBe(url)
  })

  test.each([
    'http://id.example.com/realms/a',
    'http://localhost.example.com/',
    'http://127.0.0.1.example.com/',
    'http://10.0.0.1/',
    'ftp://localhost/',
    'localhost:8080',
    '',
  ])('%j is refused', url => {
    expect(() => parseLoginUrl(url, 'OIDC_ISSUER')).toThrow(RefusalError)
    expect(() => parseLoginUrl(url, 'OIDC_ISSUER')).toThrow(/^OIDC_ISSUER/)
  })

  test('may be plain http to any machine if that is allowed, and nothing else', () => {
    expect(parseLoginUrl('http://keycloak:8080/realms/a', 'OIDC_ISSUER', { allowInsecure: true }).host).toBe(
      'keycloak:8080',
    )
    expect(() => parseLoginUrl('http://keycloak:8080/', 'OIDC_ISSUER')).toThrow(/ALLOW_INSECURE_HOSTS=keycloak$/)
    expect(() => parseLoginUrl('ftp://keycloak/', 'OIDC_ISSUER', { allowInsecure: true })).toThrow(RefusalError)
  })

  test.each([{}, { insecureHosts: ['keycloak'] }, { allowInsecure: true }])(
    'that an issuer over https names is https, and the issuer has to be corrected whatever is allowed: %j',
    plainHttp => {
      const parse = (scheme: string) =>
        parseNamedUrl('http://keycloak/token', 'Its endpoint', new URL(`${scheme}://keycloak/realms/a`), plainHttp)
      expect(() => parse('https')).toThrow(/is not https, though the issuer itself is: correct the host name/)
      if (Object.keys(plainHttp).length > 0) expect(parse('http').host).toBe('keycloak')
      else expect(() => parse('http')).toThrow(/ALLOW_INSECURE_HOSTS=keycloak$/)
    },
  )

  test('is shown without password and query', () => {
    expect(showUrl(new URL('https://user:canary@id.example.com/a?key=canary#canary'))).toBe('https://id.example.com/a')
  })
})
