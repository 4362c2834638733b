import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parsePrivateKey } from '../../src/auth/private-key.ts'
import { parseSigningKey } from '../../src/auth/signing-key.ts'
import { parseConfig } from '../../src/config/config.ts'
import { hasOpenssl } from '../services/certificates.ts'
import { documents, findCodeBlocks, findCommands, projectFolder, readDocument } from './markdown.ts'

const page = readDocument('docs/authentication.md')

describe('what doctor is said to say', () => {
  const sources = globSync('src/**/*.ts', { cwd: projectFolder }).map(readDocument).join('\n').replaceAll(/[`\\]/g, '')
  const rows = [...page.matchAll(/^\| check \|.*\n\|[-|]+\n((?:\|.*\n)+)/gm)].flatMap(([, body = '']) =>
    body.trim().split('\n'),
  )
  // What stands between two dots changes with the account.
  const fragments = rows
    .map(row => row.split(' | ')[1] ?? '')
    .flatMap(sentence => sentence.replaceAll('`', '').split(/…|; /))
    .map(fragment => fragment.replaceAll(/^[ "(]+|[ ")]+$/g, ''))
    .filter(fragment => fragment.length > 10)

  test.each([...new Set(fragments)])('%s', fragment => {
    // Not toContain, which would print all sources.
    expect(sources.includes(fragment)).toBe(true)
  })
})

const accountsFiles = documents.flatMap(path =>
  findCodeBlocks(readDocument(path)).filter(
    ({ language, code }) => language === 'yaml' && code.startsWith('accounts:'),
  ),
)

test.each(accountsFiles)('the accounts file $before', ({ code }) => {
  expect(parseConfig({}, parse(code)).accounts).not.toEqual([])
})

describe.skipIf(!hasOpenssl)('the openssl commands', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openssl-'))
    for (const command of findCommands(page).filter(text => text.startsWith('openssl '))) {
      await promisify(execFile)('/bin/sh', ['-c', command], { cwd: folder })
    }
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each([
    ['client.key', 'RSASSA-PKCS1-v1_5'],
    ['client-ec.key', 'ECDSA'],
  ])('make a key that assertions are signed with: %s', async (file, algorithm) => {
    const parsed = parseSigningKey(await readFile(join(folder, file), 'utf8'), file, undefined)
    const key = 'key' in parsed ? parsed.key : parsed
    expect(key.algorithm.name).toBe(algorithm)
  })

  test('make a key for TLS, and a request for its certificate', async () => {
    expect(parsePrivateKey(await readFile(join(folder, 'tls.key'), 'utf8'), 'tls.key').asymmetricKeyType).toBe('rsa')
    expect(await readFile(join(folder, 'tls.csr'), 'utf8')).toContain('BEGIN CERTIFICATE REQUEST')
  })
})
