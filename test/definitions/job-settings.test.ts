import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { checkAccountJobs } from '../../src/app/check-account-jobs.ts'
import { parseConfig } from '../../src/config/config.ts'
import { checkJobList } from '../../src/definitions/check-jobs.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { readJobSettings } from '../../src/definitions/job-settings.ts'
import { ConfigError, RefusalError } from '../../src/errors.ts'
import { appTest } from '../fixtures/app-test.ts'
import { runPull } from '../fixtures/run-pull.ts'

const seen: unknown[] = []

const indexArticles = defineJob({
  name: 'index-articles',
  payload: z.strictObject({}),
  settings: z.object({
    searchUrl: z.url(),
    searchToken: z.string().min(8),
    searchPages: z.coerce.number().int().default(10),
  }),
  async run(_session, { settings }) {
    expectTypeOf(settings).toEqualTypeOf<{ searchUrl: string; searchToken: string; searchPages: number }>()
    seen.push(settings)
    if (settings.searchPages === 0) throw new Error(`401 with ${settings.searchToken}`)
    return {}
  },
})

const files: Record<string, string | undefined> = {}
const readSecretFile = async (path: string) => {
  const text = files[path]
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
  return text
}
const read = (env: Record<string, string>, settings: Record<string, string> = {}) =>
  readJobSettings(indexArticles, { name: 'north', settings }, { env, readSecretFile })
const url = 'https://search.example'
const token = 'token-of-the-index'

describe('settings', () => {
  test.each<[string, Record<string, string>, Record<string, string>, object]>([
    ['come from the environment', { SEARCH_URL: url, SEARCH_TOKEN: token }, {}, { searchUrl: url, searchToken: token }],
    [
      'of the account come first',
      { SEARCH_URL: url, SEARCH_TOKEN: token, SEARCH_PAGES: '5' },
      { searchPages: '7' },
      { searchUrl: url, searchToken: token, searchPages: '7' },
    ],
    [
      'in a file come before a value, and are trimmed',
      { SEARCH_URL: url, SEARCH_TOKEN: 'old', SEARCH_TOKEN_FILE: '/run/token' },
      {},
      { searchUrl: url, searchToken: token },
    ],
    [
      'of the account come before a file of the environment',
      { SEARCH_URL: url, SEARCH_TOKEN_FILE: '/run/nowhere' },
      { searchTokenFile: '/run/token' },
      { searchUrl: url, searchToken: token },
    ],
  ])('%s', async (_what, env, own, values) => {
    files['/run/token'] = `${token}\n`
    const settings = await read(env, own)
    expect(settings.values).toEqual(values)
    expect(settings.secrets).toEqual([token])
  })

  test.each<[string, Record<string, string>, Record<string, string>, RegExp]>([
    [
      'missing',
      {},
      {},
      /\(SEARCH_URL is missing; SEARCH_TOKEN is missing\): set them in the environment, or under "settings"/,
    ],
    ['empty', { SEARCH_URL: url, SEARCH_TOKEN: '' }, {}, /\(SEARCH_TOKEN is missing\)/],
    ['of another kind', { SEARCH_URL: 'canary', SEARCH_TOKEN: token }, {}, /\(SEARCH_URL is invalid: Invalid URL\)/],
    ['wrong in the file', { SEARCH_URL: url }, { searchToken: 'canary' }, /\(settings\.searchToken is invalid: /],
    [
      'in a file that is not there',
      { SEARCH_URL: url, SEARCH_TOKEN_FILE: '/run/nowhere' },
      {},
      /\(SEARCH_TOKEN_FILE names \/run\/nowhere, which can't be read \(ENOENT\)\)/,
    ],
  ])('that are %s refuse the job alone, named and without a value', async (_what, env, own, said) => {
    const refusal = await read(env, own).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(RefusalError)
    expect(refusal).toMatchObject({ code: 'settings', scope: 'job', message: expect.stringMatching(said) })
    expect(refusal).toMatchObject({
      message: expect.stringMatching(/^Job "index-articles" .* account "north" \((?!.*canary)/),
    })
  })

  test.each([
    ['throws', z.string().transform(text => new URL(text)), 'threw TypeError'],
    ['is asynchronous', z.string().refine(async () => true), 'is asynchronous, which is not supported'],
  ])('whose schema %s refuse the job alone, too', async (_what, searchUrl, said) => {
    const job = defineJob({
      name: 'search',
      payload: z.strictObject({}),
      settings: z.object({ searchUrl }),
      run: async () => ({}),
    })
    const given = { env: { SEARCH_URL: 'canary' }, readSecretFile }
    const refusal = await readJobSettings(job, { name: 'north' }, given).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(RefusalError)
    expect(refusal).toMatchObject({
      code: 'settings',
      scope: 'job',
      found: `Job "search" can't run for account "north" (SEARCH_URL is invalid: its schema ${said})`,
    })
  })

  test('that are no object refuse the job alone, too', async () => {
    const unchecked = z.custom<z.ZodObject>()
    const job = defineJob({
      name: 'renamed',
      payload: z.strictObject({}),
      settings: unchecked.parse(z.object({ searchUrl: z.url() }).transform(({ searchUrl }) => searchUrl)),
      run: async () => ({}),
    })
    await expect(checkJobList([job], async () => [])).resolves.toBeUndefined()
    await expect(readJobSettings(job, { name: 'north' }, { env: {}, readSecretFile })).rejects.toMatchObject({
      code: 'settings',
      scope: 'job',
      found: 'The settings of job "renamed" are no z.object(), so their names are unknown',
    })
  })

  const switched = (dryRun: z.ZodType) =>
    defineJob({
      name: 'switched',
      payload: z.strictObject({}),
      settings: z.object({ dryRun, pages: z.coerce.number().default(1) }),
      run: async () => ({}),
    })

  test.each(['false', 'No', '0', 'off'])('that say %s are not true', async value => {
    const source = { env: { DRY_RUN: value }, readSecretFile }
    const refusal = await readJobSettings(switched(z.coerce.boolean().default(false)), { name: 'north' }, source).catch(
      (error: unknown) => error,
    )
    expect(refusal).toBeInstanceOf(RefusalError)
    expect(refusal).toMatchObject({
      message: expect.stringContaining('DRY_RUN says no, but its schema takes any text'),
    })
    for (const dryRun of [z.stringbool(), z.string(), z.string().transform(text => text !== 'true')]) {
      const { values } = await readJobSettings(switched(dryRun), { name: 'north' }, source)
      expect(values).toEqual({ dryRun: value })
    }
  })

  test.each([{}, { DRY_RUN: 'true' }, { DRY_RUN: 'yes' }, { PAGES: '0' }])(
    'that do not say no are read: %o',
    async env => {
      const job = switched(z.coerce.boolean().default(true))
      expect(Object.values((await readJobSettings(job, { name: 'north' }, { env, readSecretFile })).values)).toEqual(
        Object.values(env),
      )
    },
  )

  test.each(['clientSecret', 'databaseUrl', 'port', 'SEARCH', 'tokenFile'])('may not be called %s', async name => {
    const job = defineJob({
      name: 'spy',
      payload: z.object({}),
      settings: z.object({ [name]: z.string() }),
      run: async () => ({}),
    })
    await expect(checkJobList([job], async () => [])).rejects.toThrow(`its setting "${name}"`)
  })

  test('of the accounts file are texts, and a name that no job knows is told', () => {
    const account = {
      name: 'north',
      oidcIssuer: 'https://idp.example',
      clientId: 'x',
      clientSecret: 'x',
      settings: { searchPages: 7, searchTokenFile: '/run/token', serchUrl: url },
    }
    const { accounts } = parseConfig({}, { accounts: [account] })
    expect(accounts[0]?.settings).toEqual({ searchPages: '7', searchTokenFile: '/run/token', serchUrl: url })
    const check = () => checkAccountJobs(accounts, [indexArticles])
    expect(check).toThrow(ConfigError)
    expect(check).toThrow(/settings\.serchUrl: no job has a setting "serchUrl" \(searchUrl, searchToken, searchPages\)/)
  })
})

const env: Record<string, string> = {}
const runTest = appTest.extend(
  'appOptions',
  { scope: 'file' },
  { jobs: [indexArticles], settings: { env, readSecretFile } },
)

describe('a run', () => {
  runTest('without what its job needs is refused, and the job listed with what is missing', async ({ app }) => {
    await expect(runPull(app, indexArticles, 'default')).rejects.toThrow('SEARCH_URL is missing')
    expect(await app.operations.listJobs()).toMatchObject([{ problem: expect.stringContaining('SEARCH_TOKEN') }])
  })

  runTest('gets the settings as its schema parses them, and a file as it is now', async ({ app }) => {
    Object.assign(env, { SEARCH_URL: url, SEARCH_TOKEN_FILE: '/run/token' })
    files['/run/token'] = 'first-token'
    await runPull(app, indexArticles, 'default')
    files['/run/token'] = 'second-token'
    await runPull(app, indexArticles, 'default')
    const settings = { searchUrl: url, searchPages: 10 }
    expect(seen).toEqual([
      { ...settings, searchToken: 'first-token' },
      { ...settings, searchToken: 'second-token' },
    ])
    expect(await app.operations.listJobs()).toMatchObject([{ problem: null }])
  })

  runTest('that tells a secret in its error has it taken out', async ({ app }) => {
    env.SEARCH_PAGES = '0'
    await expect(runPull(app, indexArticles, 'default')).rejects.toThrow(/^401 with \[redacted\] \(at /)
    expect(app.logged.text()).not.toContain('second-token')
  })
})
