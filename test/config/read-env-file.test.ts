import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findVariablesOfNode, readEnvFile } from '../../src/config/read-env-file.ts'
import { failureOf } from '../fixtures/failure-of.ts'

const readText = (text: string, env = {}) => readEnvFile(env, '/project/.env', async () => text)

describe('.env', () => {
  test.each<[string, string, Record<string, string>]>([
    ['values as they are', 'A=1\nB= two words \n', { A: '1', B: 'two words' }],
    ['comments', '# A=0\n\n  # more\nA=1 # the first\nB="a # b" # quoted\n', { A: '1', B: 'a # b' }],
    ['quotes of all kinds', `A='"x"'\nB="it's"\nC=\`y\`\n`, { A: '"x"', B: "it's", C: 'y' }],
    ['no value before a comment', 'A=#1\nB= # 2\nC="" #3\n', { A: '', B: '', C: '' }],
    ['JSON in quotes', `MAP='{"a": {"path": "$.roles"}}'\n`, { MAP: '{"a": {"path": "$.roles"}}' }],
    ['values of several lines', 'A="one\ntwo\n\n# three"\nB=2', { A: 'one\ntwo\n\n# three', B: '2' }],
    ['export, as for a shell', 'export A=1\nexport B="2"\n', { A: '1', B: '2' }],
    ['an empty value', 'A=\nB=""\n', { A: '', B: '' }],
    [
      'white space for a value',
      'A= \nB=2\nC=\t\r\n\n D = \nE="\nF= \n"\n',
      { A: '', B: '2', C: '', D: '', E: '\nF= \n' },
    ],
    ['line ends of Windows', 'A=1\r\nB="x"\r\n', { A: '1', B: 'x' }],
    ['a byte order mark', '\uFEFFA=1\n', { A: '1' }],
  ])('is read with %s', async (_what, text, values) => {
    const { env, envFile } = await readText(text)
    expect(env).toEqual(values)
    expect(envFile).toEqual({ path: '/project/.env', variables: Object.keys(values), hidden: [] })
  })

  test('is what .env.example shows', async () => {
    const { env } = await readEnvFile({}, '.env.example', path => readFile(path, 'utf8'))
    expect(Object.keys(env).toSorted()).toEqual(['CLIENT_ID', 'CLIENT_SECRET_FILE', 'HASURA_URL', 'OIDC_ISSUER'])
  })

  test('gives way to the environment, also to what is empty there', async () => {
    const { env, envFile } = await readText('A=file\nB=file\nC=file\nD=', { A: 'environment', B: '', D: '' })
    expect(env).toEqual({ A: 'environment', B: '', C: 'file', D: '' })
    expect(envFile).toMatchObject({ variables: ['C'], hidden: ['B'] })
  })

  test("needn't be there", async () => {
    const missing = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' }))
    expect(await readEnvFile({ A: '1' }, '/project/.env', missing)).toEqual({ env: { A: '1' }, envFile: undefined })
  })

  test.each<[string, string, RegExp]>([
    ['only a name', 'A=1\nCLIENT_SECRET canary\nB=2\n', /^Line 2 of \.env sets no variable: write NAME=value/],
    ['only a name, at the end', 'A=1\ncanary', /^Line 2 of/],
    ['no name', '=canary\nB=2', /^Line 1 of/],
    ['YAML', 'A: canary\n', /^Line 1 of/],
    ['a name with a space', 'A B=canary', /^Line 1 of/],
    ['UTF-16, as PowerShell writes', '\uFFFD\uFFFDA\0=\0canary', /^\.env is not saved as UTF-8: save it as UTF-8/],
    ['Latin-1', 'A=canary\uFFFD', /^\.env is not saved as UTF-8/],
    ['a # in a value', 'A=1 # one\nB=canary#1\n', /^The value in line 2 of \.env holds a #, .*: enclose the value/],
    ['a # in a URL', 'A=redis://u:canary#1@host', /^The value in line 1 of \.env holds a #/],
    ['a quote in quotes', `A='it'\nB="can"ary"\n`, /^Line 2 of \.env goes on after the closing quote/],
    ['text after the quote', `A="one\ntwo"canary\n`, /^Line 2 of \.env goes on after the closing quote/],
    ['a wrong line after a long value', 'A="x\ny\nz"\ncanary\n', /^Line 4 of/],
    [
      'a quote that does not end',
      'A=1\nCLIENT_SECRET="canary\nB=2',
      /^The value in line 2 of \.env begins with a quote that doesn't end: close the quote$/,
    ],
  ])('is refused with %s, in a sentence that repeats nothing of it', async (_what, text, sentence) => {
    const error = await failureOf(readText(text))
    expect(error.message).toMatch(sentence)
    expect(error.message).not.toContain('canary')
  })

  test('is never taken for anything else than Node takes it for', async () => {
    const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/)
    const value = fc.oneof(
      // Of white space alone Node makes something else.
      fc.stringMatching(/^[a-z0-9 /:.=-]{0,12}$/).filter(text => !/^ +$/.test(text)),
      fc.stringMatching(/^[a-z# ='\n]{0,12}$/).map(text => `"${text}"`),
      fc.stringMatching(/^[a-z# ="\n]{0,12}$/).map(text => `'${text}'`),
    )
    const line = fc.oneof(
      fc.tuple(name, value).map(([left, right]) => `${left}=${right}`),
      fc.stringMatching(/^ {0,2}#[a-z ]{0,9}$/),
      fc.constant(''),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 6 }), async lines => {
        const text = lines.join('\n')
        expect((await readText(text)).env).toEqual({ ...parseEnv(text) })
      }),
    )
  })
})

describe('a .env that cannot be read', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-env-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('gets a sentence: a folder', async () => {
    const error = await failureOf(readEnvFile({}, folder, path => readFile(path, 'utf8')))
    expect(error.message).toBe(
      `.env can't be read (EISDIR): make ${folder} readable by the worker's user, or remove it`,
    )
  })
})

test('variables that Node reads before any file are known', async () => {
  const { envFile } = await readText('NODE_EXTRA_CA_CERTS=/ca.pem\nHASURA_URL=x\n')
  expect(envFile && findVariablesOfNode(envFile)).toEqual(['NODE_EXTRA_CA_CERTS'])
})
