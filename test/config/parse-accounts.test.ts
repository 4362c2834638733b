import { expect, test } from 'vitest'
import { type Config, parseConfig } from '../../src/config/config.ts'
import { parseAccounts } from '../../src/config/parse-accounts.ts'

const login =
  '"oidcIssuer": "https://idp.example", "clientId": "x", "clientSecret": "x", "hasuraUrl": "https://api.example/v1/graphql"'

/** @param own what each account has besides its name and login */
function read(...own: string[]): Config['accounts'] {
  const accounts = own.map((each, index) => `{"name": "account-${index}", ${login}, ${each}}`)
  return parseConfig({}, parseAccounts(`{"accounts": [${accounts.join(',\n')}]}`, 'accounts.yaml')).accounts
}

test('an anchor may be used by any number of accounts', () => {
  const accounts = read('limits: &few {concurrentRuns: 2}', ...Array.from({ length: 1_000 }, () => 'limits: *few'))
  expect(accounts).toHaveLength(1_001)
  expect(accounts.at(-1)?.limits).toEqual({ concurrentRuns: 2 })
})
