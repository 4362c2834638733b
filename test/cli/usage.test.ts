import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFreePort } from '../services/free-port.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { startProxy } from '../services/start-proxy.ts'
import { type Environment, run, runWith } from './run-command.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const account: Environment = {
  OIDC_ISSUER: 'http://127.0.0.1:9/realms/wiki',
  CLIENT_ID: 'sync-worker',
  CLIENT_SECRET: 'secret-canary',
  HASURA_URL: 'http://127.0.0.1:9/v1/graphql',
}

describe('wrong words on the command line end with 2', () => {
  test.each<[string[], RegExp]>([
    [[], /^No command was given\.\n\nUsage: hasura-sync-worker \[options\] \[command\]/],
    [['schema'], /^No command was given\.\n\nUsage: hasura-sync-worker schema/],
    [['--', 'runs', '--lmit', '1'], /^Unknown option '--lmit': did you mean --limit\?$/m],
    [['run', '--', '--x', 'y'], /^Too many arguments for 'run'\. Expected 1 argument but got 2: --x, y: /],
    [['runn'], /^Unknown command 'runn': did you mean one of run, runs\?$/m],
    [['toString'], /^Unknown command 'toString': run "npm run -s cli -- --help" to see the usage$/m],
    [['schema', 'pul'], /^Unknown command 'pul': did you mean pull\?$/m],
    [['help', 'nope'], /^Unknown command 'nope': run "npm run -s cli -- --help" to see the usage$/m],
    [['help', 'scheam'], /^Unknown command 'scheam': did you mean schema\?$/m],
    [['help', 'schema', 'pul'], /^Unknown command 'pul': did you mean pull\?$/m],
    [['schema', 'x'], /^Unknown command 'x': run "npm run -s cli -- schema --help" to see the usage$/m],
    [['runs', '--lmit', '1'], /^Unknown option '--lmit': did you mean --limit\?$/m],
    [['jobs', '--xyzzy'], /^Unknown option '--xyzzy': run "npm run -s cli -- jobs --help" to see the usage$/m],
    [['run'], /^Missing required argument 'job': run "npm run -s cli -- run --help" to see the usage$/m],
    [
      ['run', 'a', 'b'],
      /^Too many arguments for 'run'\. Expected 1 argument but got 2: a, b: run "npm run -s cli -- run --help" to see/,
    ],
    [['run', ''], /^<job> is "": give it a value$/m],
    [['run', 'sync-users', '--payload', '{'], /^--payload is not JSON \(.* at position 1 .*\): quote it for the shell/],
    [
      ['enqueue', 'sync-users', '--payload', '{"full":"\\u0000"}'],
      /^--payload can't be used \(The text at character 9 contains a NUL character .*\): remove or encode it$/m,
    ],
    [['run', 'sync-users', '--payload', '[1e400]'], /^--payload can't be used \(The number at character 2 .*as a text/],
    [['runs', '--limit', '0'], /^--limit is "0": give a whole number from 1 to 1000$/m],
    [['requests', '--state', 'faild'], /^--state is "faild": did you mean failed\?$/m],
    [['enqueue', 'sync-users', '--priority', 'urgent'], /^--priority is "urgent": give one of high, normal, low$/m],
    [['schedules', 'paus'], /^Too many arguments for 'schedules'\. .*: did you mean "schedules pause"\?$/m],
    [
      ['schedules', 'pause'],
      /^Missing required argument 'job': run "npm run -s cli -- schedules pause --help" to see the usage$/m,
    ],
    [['schedules', 'pause', 'x', '--jsno'], /^Unknown option '--jsno': did you mean --json\?$/m],
    [['runs', '--limit', '1e2'], /^--limit is "1e2": give a whole number from 1 to 1000$/m],
    [['schema', 'pull', '--role', 'x', '--account', 'y'], /^There is no account "y": the accounts are default$/m],
    [['doctor', '--account', 'defualt'], /^There is no account "defualt": did you mean default\?$/m],
    [['provision', '--account', 'y'], /^There is no account "y": the accounts are default$/m],
    [['reset', 'sync-users', '--account', 'y'], /^There is no account "y": the accounts are default$/m],
  ])('%j', async (argv, sentence) => {
    const { code, out, err } = await run({ ...account, DATA_DIR: join(folder, 'usage') }, ...argv)
    expect(err).toMatch(sentence)
    expect({ code, out }).toEqual({ code: 2, out: '' })
  })
})

describe('.env', () => {
  const write = async (text: string) => {
    const envFilePath = join(folder, '.env')
    await writeFile(envFilePath, text)
    return { envFilePath }
  }
  const settings = Object.entries(account).map(([name, value]) => `${name}='${value}'\n`)

  test('sets what the environment does not', async () => {
    const surroundings = await write(settings.join(''))
    const env = { DATABASE_URL: 'postgres://u:p@127.0.0.1:9/x' }
    expect(await runWith(env, ['runs'], surroundings)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^Postgres at 127.0.0.1:9 /),
    })
    expect(await runWith({ ...env, CLIENT_ID: '' }, ['runs'], surroundings)).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^CLIENT_ID is missing.*\nCLIENT_ID is empty in the environment, which takes precedence over \.env: unset it there\n$/,
      ),
    })
  })

  test('that is in another folder is told where it was looked for, if nothing is set elsewhere', async () => {
    const told = "/nowhere has no .env: run the command in the project's folder, if yours is there\n"
    for (const command of ['runs', 'doctor']) {
      const { code, out, err } = await run({}, command)
      expect([code, out + err]).toEqual([
        2,
        expect.stringContaining(command === 'runs' ? told : '/nowhere has no .env'),
      ])
    }
    expect((await run({ ...account, CLIENT_ID: '' }, 'runs')).err).not.toContain('.env')
  })

  test('that is broken ends with 2, as a line and as one JSON document', async () => {
    const { code, out, err } = await runWith(account, ['runs', '--json'], await write('A=1\nsecret-canary\n'))
    const message = 'Line 2 of .env sets no variable: write NAME=value, or # before a comment'
    expect({ code, err }).toEqual({ code: 2, err: `${message}\n` })
    expect(JSON.parse(out)).toEqual({ error: { code: 'config', message } })
    expect((await runWith({}, ['runs', '--help'], await write('secret-canary'))).code).toBe(0)
  })
})

describe('a wrong configuration ends with 2', () => {
  test('and lists every problem, as lines and as one JSON document', async () => {
    const env = { PORT: 'x', REDIS_URL: 'redis://r', CLIENT_SECRET: 'secret-canary', TOKEN_URL: 'ftp://x' }
    const { code, out, err } = await run(env, 'holds', '--json')
    expect(code).toBe(2)
    const lines = err.trim().split('\n')
    expect(lines).toHaveLength(4)
    expect(lines.map(line => line.split(' ')[0])).toEqual(['REDIS_URL', 'PORT', 'TOKEN_URL', 'CLIENT_ID'])
    expect(JSON.parse(out)).toEqual({ error: { code: 'config', message: lines.join('\n') } })
    expect(out + err).not.toContain('canary')
  })

  test.each<[string, string, RegExp]>([
    [
      'is no YAML',
      'accounts: [\n  {name: one, clientSecret: "canary-4711}\n',
      /is neither YAML nor JSON \(\w+ in line \d+\): correct the syntax/,
    ],
    [
      'has an alias that leads nowhere',
      'accounts:\n  - name: one\n    clientSecret: *canary-4711\n',
      /has a value in line 3 that begins with \* and names no anchor that ends before it: enclose the value in quotes, or define/,
    ],
    [
      'has a rule of cron without quotes',
      'accounts:\n  - name: canary-4711\n    schedules:\n      sync-users: { cron: */5 * * * * }\n',
      /has a value in line 4 that begins with \* and names no anchor that ends before it: enclose the value in quotes, or define/,
    ],
    [
      'has such a rule in a line of its own',
      'accounts:\n  - name: canary-4711\n    schedules:\n      sync-users:\n        cron: */5 * * * *\n',
      /has a value in line 5 that begins with \* and names no anchor that ends before it: enclose the value in quotes, or define/,
    ],
    [
      'has a value that YAML reserves',
      'accounts:\n  - name: one\n    clientSecret: @canary-4711\n',
      /has a value that begins with a character that YAML reserves in line 3: enclose the value in quotes/,
    ],
    [
      'repeats a setting',
      'accounts:\n  - name: one\n    clientSecret: canary-4711\n    clientSecret: canary-4711\n',
      /repeats a setting in line 4: remove one of the two/,
    ],
    [
      'has two documents',
      'accounts: []\n---\naccounts: [canary-4711]\n',
      /begins a second document in line 2: put all/,
    ],
    ['is indented by tabs', 'accounts:\n\t- name: canary-4711\n', /is indented by a tab in line 2: indent by spaces/],
    ['is a list', '[canary-4711]', /^ACCOUNTS_FILE as a whole: must be an object/],
    ['is empty', '', /^ACCOUNTS_FILE as a whole: must be an object/],
  ])('when the accounts file %s, without repeating it', async (_what, content, sentence) => {
    const path = join(folder, 'accounts.yaml')
    await writeFile(path, content)
    const { code, err } = await run({ ACCOUNTS_FILE: path }, 'holds')
    expect(err).toMatch(sentence)
    expect(err).not.toContain('canary')
    expect(code).toBe(2)
  })

  test('when the accounts file is not there', async () => {
    const { code, err } = await run({ ACCOUNTS_FILE: join(folder, 'none.yaml') }, 'holds')
    expect(err).toMatch(
      /^ACCOUNTS_FILE .*none\.yaml can't be read, because it, or a part of its path, does not exist \(ENOENT\): correct the path$/m,
    )
    expect(code).toBe(2)
  })

  test.runIf(hasPostgres)('when Postgres knows no such database', async () => {
    await using database = await createDatabase()
    const url = new URL(database.url)
    url.pathname = '/nowhere'
    const { code, err } = await run({ ...account, DATABASE_URL: url.href }, 'holds')
    expect(err).toBe(
      `Postgres at ${url.host} has no database of the name in DATABASE_URL (3D000): create it, or correct DATABASE_URL\n`,
    )
    expect(code).toBe(2)
  })
})

describe('a server that is away ends with 1, in one sentence without the password', () => {
  test('Postgres', async () => {
    const port = await findFreePort()
    const { code, out, err } = await run(
      { ...account, DATABASE_URL: `postgres://u:canary@127.0.0.1:${port}/x` },
      'runs',
    )
    expect(err).toBe(
      `Postgres at 127.0.0.1:${port} can't be reached, the connection was refused (ECONNREFUSED): check that it runs and that DATABASE_URL names it\n`,
    )
    expect({ code, out }).toEqual({ code: 1, out: '' })
  })
})

test('a proxy of the environment is asked for others, and never for this machine', async () => {
  const proxy = await startProxy()
  proxy.refusesWith = 403
  const env = { ...account, HTTP_PROXY: proxy.url, ALLOW_INSECURE_HOSTS: 'id.example' }
  const { err, out } = await run({ ...env, OIDC_ISSUER: 'http://id.example/realms/wiki' }, 'doctor')
  expect(out + err).toMatch(/id\.example\/realms\/wiki.*the proxy refused to connect to the server/)
  expect(proxy.connected).toContain('id.example:80')
  proxy.connected.length = 0
  expect((await run(env, 'doctor')).code).toBe(1)
  expect(proxy.connected).toEqual([])
  proxy.stop()
})
