import { expect, test } from 'vitest'
import type { Environment } from '../../src/config/config.ts'
import { findMisspelled } from '../../src/config/find-misspelled.ts'

const namesOf = (env: Environment, settings?: readonly string[]) =>
  findMisspelled(env, settings).map(({ found, remedy }) => [found.split(' ')[0], remedy?.match(/[A-Z_]{5,}/)?.[0]])

test.for<[name: string, meant: string]>([
  ['DATABASE_ULR', 'DATABASE_URL'],
  ['DATABASE_UR', 'DATABASE_URL'],
  ['database_url', 'DATABASE_URL'],
  ['REDIS_URI', 'REDIS_URL'],
  ['ACCOUNT_FILE', 'ACCOUNTS_FILE'],
  ['SCOPES', 'SCOPE'],
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['CLIENTID', 'CLIENT_ID'],
])('%s is told, because %s may be meant', ([name, meant]) => {
  expect(namesOf({ [name]: 'a' })).toEqual([[name, meant]])
})

test.for<[name: string, env: Environment]>([
  ['a variable of the worker', { DATABASE_URL: 'a', METRICS_HOST: 'a' }],
  ['a name like one that is set', { DATABASE_URL: 'a', DATABASE_URI: 'a' }],
  ['an empty value', { DATABASE_ULR: '' }],
  [
    'variables of others',
    { HOSTNAME: 'a', POST: '1', REDIS_PORT: 'tcp://10.0.0.1:6379', DATABASE_HOST: 'a', PATH: 'a' },
  ],
  ['one of an account beside a file of accounts', { ACCOUNTS_FILE: 'a', CLIENTID: 'a' }],
])('%s is not told', ([, env]) => {
  expect(findMisspelled(env)).toEqual([])
})

test('settings of jobs are known, with their files, and may be meant', () => {
  expect(namesOf({ REDIS_URI: 'a', SERCH_URL: 'b', API_KEY_FILE: 'c' }, ['redisUri', 'searchUrl', 'apiKey'])).toEqual([
    ['SERCH_URL', 'SEARCH_URL'],
  ])
})
