import { generateKeyPairSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Login } from '../../src/account.ts'
import { createRequestToken } from '../../src/auth/request-token.ts'
import { parseHasuraErrors } from '../../src/hasura/hasura-error.ts'
import { systemClock } from '../../src/time/clock.ts'
import { quoteForeign } from '../../src/words/foreign-words.ts'
import { redact } from '../../src/words/redact.ts'
import { base64, dresses, form } from './dresses.ts'

const anySecret = fc.oneof(
  fc.string({ minLength: 6, maxLength: 60 }),
  fc.string({ minLength: 6, maxLength: 40, unit: 'grapheme' }).filter(text => text.length >= 6),
  fc.base64String({ minLength: 8, maxLength: 60 }),
  fc.stringMatching(/^[\\"'&<>+/%=;#x0-9a-f]{6,40}$/),
)
const anySurroundings = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.constantFrom('', '\\', '%', '&', '&#', '%2', '=', 'eyJ'),
)

test('a secret in any encoding never survives, whatever surrounds it', () => {
  const anyDress = fc.constantFrom(...Object.keys(dresses))
  fc.assert(
    fc.property(anySecret, anyDress, anySurroundings, anySurroundings, (secret, how, before, after) => {
      const form = dresses[how]?.(secret) ?? expect.fail()
      const left = redact(`${before}${form}${after}`, [secret]).split('[redacted]')
      expect(left.length).toBeGreaterThan(1)
      for (const part of left) for (const known of [secret, form]) expect(part.includes(known)).toBe(false)
    }),
    { numRuns: 1_000, examples: Object.keys(dresses).map(how => ['a\\"<b>&%+/ é😀', how, '', '']) },
  )
})

const signature = randomBytes(256).toString('base64url')
const jwt = ['{"alg":"RS256","typ":"JWT"}', '{"sub":"x","iss":"https://k.example"}'].map(part =>
  Buffer.from(part).toString('base64url'),
)
const token = [...jwt, signature].join('.')
const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

test.each([
  ['a token', token],
  ['only its signature', signature],
  ['its end', token.slice(-40)],
  ['a part of it', token.slice(150, 180)],
  ['its header and payload', jwt.join('.')],
  ['only its payload', jwt[1] ?? ''],
  ['it in Base64', base64(token)],
  ['it as Basic credentials', base64(`x:${token}`)],
  ['it in hexadecimal', Buffer.from(token).toString('hex')],
])('of a token in hand, %s never survives', (_what, echoed) => {
  fc.assert(
    fc.property(anySurroundings, anySurroundings, (before, after) => {
      const left = redact(`${before}${echoed}${after}`, [token])
      for (let at = 0; at + 16 <= echoed.length; at++) expect(left.includes(echoed.slice(at, at + 16))).toBe(false)
    }),
    { numRuns: 10 },
  )
})

test('an unknown assertion is recognised by its form, also after other letters', () => {
  expect(redact(`client_assertion=x${token}&a=b`)).not.toContain(signature.slice(0, 16))
  expect(redact(`seen${token}.`)).toBe('seen[redacted].')
})

test('no line of a private key survives', () => {
  const said = `cannot parse ${JSON.stringify(pem)}, which begins ${pem}`
  const [, line = ''] = pem.split('\n')
  for (const told of [redact(said, [pem]), quoteForeign(said, [pem.trim()])]) {
    for (let at = 0; at + 16 <= line.length; at++) expect(told.includes(line.slice(at, at + 16))).toBe(false)
  }
})

test('words without a secret stay as they are', () => {
  const words = 'Client "sync-worker" is not allowed (403) for realm wiki: https://k.example/realms/wiki?a=b&c=d'
  expect(quoteForeign(words, [token, pem, 'another+secret', 'tiny'])).toBe(words)
})

test('what is cut off tells how much, and leaves no half of a secret at the cut', () => {
  const secret = 'the-secret-of-it'
  for (let at = 19_980; at <= 20_000; at++) {
    const told = quoteForeign(`${'[redacted]'.repeat(at / 10)}${secret}${'x'.repeat(700_000)}`, [secret], 19_990)
    expect(told).not.toContain('the-')
  }
  expect(quoteForeign('y'.repeat(700_000))).toMatch(/^y{260}… \(699,540 more characters\)$/)
})

test('a text that is made to be slow is not', () => {
  const secret = `${'\\'.repeat(20)}a%25&amp;${'\\'.repeat(20)}`
  const hostile = ['\\', '%25', '&amp;', '&#0', '%', 'a\\'].map(piece => piece.repeat(20_000 / piece.length))
  for (const text of hostile) redact(text, [secret, token])
})

/** Servers that repeat what they were sent, in the places where their words are told. */
describe('what a server repeats of the login', () => {
  const clientSecret = 'secret/of+the&client'
  const login: Login = {
    method: 'client_secret_basic',
    clientId: 'sync-worker',
    secret: { value: clientSecret },
    server: { tokenUrl: 'https://k.example/token' },
    scopes: [],
    allowInsecure: false,
  }

  test.each<[string, (sent: { authorization: string; body: URLSearchParams }) => string]>([
    ['its header', ({ authorization }) => `unknown client (${authorization})`],
    ['only the credentials', ({ authorization }) => `${authorization.slice(6)} is not known`],
    ['the secret, decoded', ({ authorization }) => Buffer.from(authorization.slice(6), 'base64').toString()],
    ['the secret in HTML', () => 'no client with secret/of+the&amp;client'],
  ])('is not in the refusal: %s', async (_what, repeat) => {
    const requestToken = createRequestToken(login, {
      clock: systemClock,
      readSecretFile: async () => '',
      async exchange(_address, { headers, body }) {
        const authorization = new Headers(headers).get('authorization') ?? ''
        const sent = { authorization, body: new URLSearchParams(String(body)) }
        const said = JSON.stringify({ error: 'invalid_client', error_description: repeat(sent) })
        return { status: 401, headers: new Headers(), body: Buffer.from(said) }
      },
    })
    const refusal = await requestToken(undefined, AbortSignal.timeout(10_000)).catch((error: unknown) => error)
    expect(String(refusal)).toContain('[redacted]')
    for (const known of [clientSecret, form(clientSecret), base64(`sync-worker:${form(clientSecret)}`)]) {
      expect(String(refusal)).not.toContain(known)
    }
  })

  test('is not in what Hasura says of a token', () => {
    const message = `Could not verify JWT: JWSError ${signature}\u001b[31m\u202e`
    const [error] = parseHasuraErrors({ errors: [{ message, extensions: { code: 'invalid-jwt' } }] }, [token])
    expect(error?.safeMessage).toBe('Could not verify JWT: JWSError [redacted]\\u001b[31m\\u202e')
  })
})
