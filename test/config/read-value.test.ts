import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { readValue, unreplaced } from '../../src/config/read-value.ts'
import { ConfigError } from '../../src/errors.ts'
import { renderExplanation } from '../../src/explanation.ts'
import { getAdminLogin } from '../../src/provision/admin-login.ts'

/** What editors, `kubectl`, `docker --env-file` and copying from a page leave around a value. */
const around = ['\n', '\r\n', ' ', '\t', '\ufeff', '\u00a0', '\u200b', '\u2028', '\u2060', '\u200e', '\0']

const oddities: readonly (readonly [text: string, oddity: string])[] = [
  ['"value"', 'is enclosed in quotation marks'],
  ["'value'", 'is enclosed in quotation marks'],
  ['“value”', 'is enclosed in quotation marks'],
  ['„value“', 'is enclosed in quotation marks'],
  ['val\nue', 'holds a line break'],
  ['val\u2028ue', 'holds a line break'],
  ['val\u00a0ue', 'holds an invisible character (U+00A0)'],
  ['val\u200bue', 'holds an invisible character (U+200B)'],
  ['val\u0007ue', 'holds an invisible character (U+0007)'],
  ...[
    `\${NAME}`,
    `pw\${NAME:-x}`,
    'https://$(HOST)/x',
    '{{ .Values.secret }}',
    `\${{ secrets.NAME }}`,
    '$NAME',
    '$NAME/x',
    '~/x',
  ].map(text => [text, unreplaced] as const),
]

describe('a value', () => {
  test.each(around.map(mark => [JSON.stringify(mark), mark]))('has %s around it left out', (_name, mark) => {
    expect(readValue(`${mark}va lue${mark}${mark}`)).toEqual({ value: 'va lue', oddity: undefined })
  })

  test('in plain characters is what it is, whatever stands around it', () => {
    const plain = fc.stringMatching(/^[!#%&(-_a-z]([ !#%&(-_a-z]*[!#%&(-_a-z])?$/)
    const stray = fc.array(fc.constantFrom(...around), { maxLength: 4 }).map(marks => marks.join(''))
    fc.assert(
      fc.property(stray, plain, stray, (before, value, after) => {
        expect(readValue(before + value + after)).toEqual({ value, oddity: undefined })
      }),
    )
  })

  test.each(oddities)('%j is used as it is, and named', (text, oddity) => {
    expect(readValue(`${text}\n`)).toEqual({ value: text, oddity })
  })

  test.each([
    '$.hasura.claims',
    '$',
    'a$b',
    '$2b$10$x',
    '{"a": {"b": {}}}',
    '~',
    '"',
    'a"b"',
    '"a',
    'می‌خواهم',
    'Übersetzer',
    '編集者',
  ])('%j is nothing odd', text => {
    expect(readValue(text)).toEqual({ value: text, oddity: undefined })
  })
})

const environment = {
  OIDC_ISSUER: 'https://idp/realms/wiki',
  TOKEN_URL: 'https://idp/token',
  CLIENT_ID: 'worker',
  CLIENT_AUTH: 'client_secret_post',
  CLIENT_SECRET: 'canary',
  SCOPE: 'a b',
  HASURA_URL: 'https://hasura/v1/graphql',
  HASURA_CLAIMS_MAP: '{"x-hasura-allowed-roles": {"path": "$.roles"}, "x-hasura-default-role": "viewer"}',
  REFRESH_ROLE: 'viewer',
  API_BASE_URL: 'https://api/v1',
  DATABASE_URL: 'postgres://u:canary@db/x',
  REDIS_URL: 'redis://r/0',
  DATA_DIR: '/data',
  HOST: '127.0.0.1',
  PORT: '8088',
  LOG_LEVEL: 'info',
  HTTP_ISSUER: 'https://idp/realms/wiki',
  HTTP_JWKS_URL: 'https://idp/keys',
  HTTP_AUDIENCE: 'worker',
  HTTP_ROLE: 'request-jobs',
}
type Variable = keyof typeof environment
const variables = Object.keys(environment) as Variable[]

function problemsOf(change: Partial<Record<Variable, string>>): readonly string[] {
  try {
    parseConfig({ ...environment, ...change })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(renderExplanation)
    throw error
  }
}

describe.each(variables)('%s from the environment', variable => {
  const value = environment[variable]

  test('means the same with a stray line break, space or byte order mark', () => {
    const meant = parseConfig(environment)
    for (const mark of around) {
      expect(parseConfig({ ...environment, [variable]: `${mark}${value}${mark}` })).toEqual(meant)
    }
  })

  test('is named when it is enclosed in quotation marks, unless it is the secret', () => {
    const problems = problemsOf({ [variable]: `"${value}"` })
    const sentence = `${variable} is enclosed in quotation marks: write only the value`
    expect(problems).toEqual(variable === 'CLIENT_SECRET' ? [] : [sentence])
  })
})

test('a placeholder that nothing has replaced is told before anybody is asked with it', () => {
  expect(problemsOf({ DATA_DIR: '~/data', SCOPE: '{{ scope }}' })).toEqual(
    ['DATA_DIR', 'SCOPE'].map(name => `${name} ${unreplaced}: write the value itself`),
  )
})

test.each(['$(x)', `\${x}`, '{{x}}'])('a password in an address may hold %s, encoded as the problem says', part => {
  const addressesWith = (password: string) => ({
    REDIS_URL: `redis://u:${password}@redis/0`,
    DATABASE_URL: `postgres://u:${password}@db/x`,
  })
  expect(problemsOf(addressesWith(`a${part}b`))).toEqual(
    ['REDIS_URL', 'DATABASE_URL'].map(
      name => `${name} ${unreplaced}: write the value itself; if it is part of the password, $ as %24 and { as %7B`,
    ),
  )
  expect(problemsOf(addressesWith(`a${part.replaceAll('$', '%24').replaceAll('{', '%7B')}b`))).toEqual([])
})

test('a setting of an accounts file is read the same way', () => {
  const { OIDC_ISSUER, TOKEN_URL, CLIENT_ID, CLIENT_SECRET } = environment
  const account = { oidcIssuer: OIDC_ISSUER, tokenUrl: TOKEN_URL, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }
  const stray = Object.fromEntries(Object.entries(account).map(([name, value]) => [name, `${value}\n`]))
  const read = (settings: object) => parseConfig({}, { accounts: [{ name: 'one', ...settings }] }).accounts
  expect(read(stray)).toEqual(read(account))
  expect(() => read({ ...account, clientId: '"worker"' })).toThrow(
    'ACCOUNTS_FILE accounts.0.clientId is enclosed in quotation marks',
  )
})

test('the variables of an administrator are read the same way', () => {
  const [account] = parseConfig(environment).accounts
  if (!account) throw new Error('no account')
  const login = { ...account.login, server: { issuer: 'https://idp/realms/wiki' } }
  const env = { KEYCLOAK_ADMIN_CLIENT_ID: 'admin', KEYCLOAK_ADMIN_CLIENT_SECRET_FILE: '/run/admin' }
  const stray = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, ` ${value}\r\n`]))
  expect(getAdminLogin(stray, login)).toEqual(getAdminLogin(env, login))
  expect(() => getAdminLogin({ ...env, KEYCLOAK_ADMIN_CLIENT_ID: "'admin'" }, login)).toThrow(
    'KEYCLOAK_ADMIN_CLIENT_ID is enclosed in quotation marks',
  )
})
