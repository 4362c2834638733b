import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { accountVariables } from '../../src/config/read-account.ts'

const file = new URL('../../schema/accounts.schema.json', import.meta.url)
const text = readFileSync(file, 'utf8')
/** zod takes a schema without a type for one that takes everything, so the rule between two settings is left out here. */
const schema = z.fromJSONSchema(
  JSON.parse(text, (key, value: unknown) => (key === 'anyOf' && isRequirement(value) ? undefined : value)),
)
function isRequirement(value: unknown): boolean {
  return z.array(z.strictObject({ required: z.array(z.string()) })).safeParse(value).success
}

const one = { name: 'one', oidcIssuer: 'https://idp/realms/wiki', clientId: 'a', clientSecretFile: '/run/secret' }

describe('the JSON Schema that editors use', () => {
  test('is the one that the code says', () => {
    const script = fileURLToPath(new URL('../../scripts/accounts-schema.ts', import.meta.url))
    expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toBe('')
  })

  test('knows every setting of an account', () => {
    const known = Object.keys(
      z
        .object({
          properties: z.object({ accounts: z.object({ items: z.object({ properties: z.looseObject({}) }) }) }),
        })
        .parse(JSON.parse(text)).properties.accounts.items.properties,
    )
    const settings = accountVariables.map(name =>
      name.toLowerCase().replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase()),
    )
    expect(known.toSorted()).toEqual(
      [...settings, 'name', 'jobs', 'callers', 'schedules', 'settings', 'limits'].toSorted(),
    )
  })

  test.each<[string, object]>([
    ['the least', one],
    ['jobs, schedules and limits', { ...one, jobs: ['sync-users'], schedules: { 'sync-users': null }, limits: {} }],
    ['a cron expression', { ...one, schedules: { a: { cron: '0 3 * * *', zone: 'Europe/Zurich' } } }],
    ['what becomes of missed ticks', { ...one, schedules: { a: { everySeconds: 60, missed: 'skip' } } }],
    ['a map of claims', { ...one, hasuraClaimsMap: { 'x-hasura-user-id': { path: '$.sub', default: 'x' } } }],
  ])('takes an account with %s', (_what, account) => {
    expect(schema.safeParse({ $schema: './accounts.schema.json', accounts: [account] })).toMatchObject({
      success: true,
    })
  })

  test.each<[string, object]>([
    ['an unknown setting', { ...one, hasuraURL: 'https://h' }],
    ['a name with a space', { ...one, name: 'a b' }],
    ['no client id', { ...one, clientId: undefined }],
    ['another way to authenticate', { ...one, clientAuth: 'none' }],
    ['missed ticks of another kind', { ...one, schedules: { a: { everySeconds: 60, missed: 'all' } } }],
    ['a schedule of a word', { ...one, schedules: { a: 'daily' } }],
  ])('refuses an account with %s', (_what, account) => {
    expect(schema.safeParse(JSON.parse(JSON.stringify({ accounts: [account] }))).success).toBe(false)
  })
})
