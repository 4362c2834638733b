import { describe, expect, test } from 'vitest'
import { type Config, parseConfig } from '../../src/config/config.ts'
import { parseAccounts } from '../../src/config/parse-accounts.ts'

const login =
  '"oidcIssuer": "https://idp.example", "clientId": "x", "clientSecret": "x", "hasuraUrl": "https://api.example/v1/graphql"'

/** @param own what each account has besides its name and login */
function read(...own: string[]): Config['accounts'] {
  const accounts = own.map((each, index) => `{"name": "account-${index}", ${login}, ${each}}`)
  return parseConfig({}, parseAccounts(`{"accounts": [${accounts.join(',\n')}]}`, 'accounts.yaml')).accounts
}

describe('a number among the settings of an account is the text that was written', () => {
  test.each(['7', '0042', '1.10', '12345678901234567890', '+41791234567', '12e4', '0x1F', '0o17', '-0', '.5', '.inf'])(
    '%s',
    number => {
      expect(read(`settings: {tenant: ${number}}`)[0]?.settings).toEqual({ tenant: number })
    },
  )

  test('in JSON too', () => {
    const settings = { tenant: '12345678901234567890', version: '1.10' }
    expect(read('"settings": {"tenant": 12345678901234567890, "version": 1.10}')[0]?.settings).toEqual(settings)
  })

  test('also where another account repeats it, and numbers elsewhere stay numbers', () => {
    const accounts = read(
      'settings: &own {tenant: 0042, isEager: true}, limits: {concurrentRuns: 02}',
      'settings: *own, schedules: {settings: {everySeconds: 1e3}}',
    )
    const settings = { tenant: '0042', isEager: 'true' }
    expect(accounts).toMatchObject([
      { settings, limits: { concurrentRuns: 2 } },
      { settings, schedules: { settings: { everySeconds: 1_000 } } },
    ])
  })
})

test.each<[string, BufferEncoding]>([
  ['UTF-16, as PowerShell writes', 'utf16le'],
  ['Latin-1', 'latin1'],
])('a file in %s is told as such', (_name, encoding) => {
  const content = Buffer.from('\uFEFFaccounts: [] # für alle\n', encoding).toString('utf8')
  expect(() => parseAccounts(content, 'accounts.yaml')).toThrow(
    'ACCOUNTS_FILE accounts.yaml is not saved as UTF-8: save it as UTF-8, which PowerShell does with -Encoding utf8',
  )
})

test('an anchor may be used by any number of accounts', () => {
  const accounts = read('limits: &few {concurrentRuns: 2}', ...Array.from({ length: 1_000 }, () => 'limits: *few'))
  expect(accounts).toHaveLength(1_001)
  expect(accounts.at(-1)?.limits).toEqual({ concurrentRuns: 2 })
})

test('an account may merge the settings of another one, and its own take precedence', () => {
  const content = `accounts:
- &north {name: north, ${login}, jobs: [sync-users], settings: &own {tenant: 0042, region: north}}
- {<<: *north, name: south, settings: {<<: *own, region: south}}
- {name: west, <<: *north, settings: {<<: {tenant: 0043}}}
`
  const accounts = parseConfig({}, parseAccounts(content, 'accounts.yaml')).accounts
  expect(accounts).toMatchObject([
    { name: 'north', jobs: ['sync-users'], settings: { tenant: '0042', region: 'north' } },
    { name: 'south', jobs: ['sync-users'], settings: { tenant: '0042', region: 'south' } },
    { name: 'west', jobs: ['sync-users'], settings: { tenant: '0043' } },
  ])
})

test.each(['hasuraClaimsMap: &own {x-hasura-user-id: *own}', 'jobs: &own [[*own]]', 'settings: &own {<<: *own}'])(
  'a value that contains itself is told: %s',
  value => {
    expect(() => read('jobs: &own []', value)).toThrow(
      'ACCOUNTS_FILE accounts.yaml has a value in line 2 that begins with * and names no anchor that ends before it: enclose the value in quotes, or define the anchor',
    )
  },
)

test('what is no settings is not merged', () => {
  expect(() => parseAccounts(`accounts: [{<<: canary, name: north, ${login}}]`, 'accounts.yaml')).toThrow(
    'ACCOUNTS_FILE accounts.yaml merges (<<) something other than settings: merge an anchor of settings, such as <<: *north',
  )
})

test.each(['!env SECRET', '!vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    canary'])(
  'a tag that nothing resolves is told: %s',
  value => {
    expect(() => parseAccounts(`accounts:\n- name: one\n  clientSecret: ${value}\n`, 'accounts.yaml')).toThrow(
      'ACCOUNTS_FILE accounts.yaml has a tag, such as !env or !vault, that nothing resolves here, in line 3: write the value itself, or name the file that holds it, as clientSecretFile does',
    )
  },
)
