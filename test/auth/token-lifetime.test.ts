import { UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { tokenLifeMs } from '../../src/auth/token-lifetime.ts'

const jwt = (claims: Record<string, unknown>) => new UnsecuredJWT(claims).encode()

describe('the life of a token', () => {
  test.each([
    [300, 300_000],
    ['300', 300_000],
    [0.5, 500],
  ])('is what expires_in %j says', (expiresIn, lifeMs) => {
    expect(tokenLifeMs(expiresIn, jwt({ iat: 0, exp: 900 }))).toBe(lifeMs)
    expect(tokenLifeMs(expiresIn, 'opaque')).toBe(lifeMs)
  })

  test.each([300, '300', 365 * 86_400, Number.MAX_VALUE])('is what the JWT says when expires_in %j is more', value => {
    expect(tokenLifeMs(value, jwt({ iat: 2_000_000_000, exp: 2_000_000_120 }))).toBe(120_000)
  })

  test.each([undefined, null, 0, -1, Number.NaN, 'soon', '', {}])('comes from the JWT when expires_in is %j', value => {
    expect(tokenLifeMs(value, jwt({ iat: 2_000_000_000, exp: 2_000_000_120 }))).toBe(120_000)
  })

  test.each([
    ['an opaque token', 'opaque'],
    ['a JWT without exp', jwt({ iat: 1 })],
    ['a JWT that ends before it begins', jwt({ iat: 5, exp: 1 })],
  ])('is taken for a minute for %s', (_name, token) => {
    expect(tokenLifeMs(undefined, token)).toBe(60_000)
  })
})
