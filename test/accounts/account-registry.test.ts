import { expect, test } from 'vitest'
import { createAccountRegistry } from '../../src/app/account-registry.ts'
import { parseConfig } from '../../src/config/config.ts'
import { systemClock } from '../../src/time/clock.ts'

function accountsOf(...settings: readonly { name: string }[]) {
  const login = { tokenUrl: 'https://idp/token', clientId: 'a', clientSecret: 's' }
  return parseConfig({}, { accounts: settings.map(own => ({ ...login, ...own })) }).accounts
}

function openRegistry() {
  const registry = createAccountRegistry({ clock: systemClock, readSecretFile: async () => '', isFile: true })
  registry.replace(accountsOf({ name: 'same' }, { name: 'changed' }, { name: 'removed' }))
  return registry
}

test('an account that is the same keeps its access, a changed one gets another, and a removed one is gone', () => {
  const registry = openRegistry()
  const before = new Map(registry.accounts)
  const changed = { name: 'changed', hasuraUrl: 'https://wiki.example/v1/graphql' }
  expect(registry.replace(accountsOf({ name: 'added' }, { name: 'same' }, changed))).toEqual({
    added: ['added'],
    changed: ['changed'],
    removed: ['removed'],
  })
  expect([...registry.accounts.keys()]).toEqual(['added', 'same', 'changed'])
  expect(registry.accounts.get('same')).toBe(before.get('same'))
  expect(registry.accounts.get('changed')).not.toBe(before.get('changed'))
  expect(registry.accounts.get('changed')?.account.hasura?.url).toBe('https://wiki.example/v1/graphql')
})

test('when one account cannot be used, its place is told and all stay as they were', () => {
  const registry = openRegistry()
  const before = new Map(registry.accounts)
  const broken = accountsOf({ name: 'same' }, { name: 'broken', apiBaseUrl: 'http://api.example' } as { name: string })
  expect(() => registry.replace(broken)).toThrow(
    /^ACCOUNTS_FILE accounts\.1: API_BASE_URL http:\/\/api\.example\/ is not https/,
  )
  expect(new Map(registry.accounts)).toEqual(before)
})
