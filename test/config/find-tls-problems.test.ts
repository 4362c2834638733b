import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import type { Environment } from '../../src/config/config.ts'
import { findTlsProblems } from '../../src/config/find-tls-problems.ts'
import type { EnvFile } from '../../src/config/read-env-file.ts'

const find = (env: Environment, envFile?: EnvFile) => findTlsProblems(env, envFile, path => readFile(path, 'utf8'))

const [one = '', other = ''] = rootCertificates
const damaged = one.replace(/\n.+/, '')

describe('NODE_EXTRA_CA_CERTS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hasura-sync-worker-authorities-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'authorities.pem')

  /** How many certificates Node takes from the file. */
  const countTrusted = () =>
    Number(
      execFileSync(process.execPath, ['-p', `require('node:tls').getCACertificates('extra').length`], {
        env: { NODE_EXTRA_CA_CERTS: path },
        stdio: ['ignore', 'pipe', 'ignore'],
        encoding: 'utf8',
      }),
    )

  test.each([
    ['one certificate', `${one}\n`, 1],
    ['several, with words in between', `# one\n${one}\n\nother\n${other}\n`, 2],
    ['line ends of Windows', `${one}\n`.replaceAll('\n', '\r\n'), 1],
    ['a byte order mark', `\uFEFF${one}\n`, 1],
    ['an old name', `${one}\n`.replaceAll('CERTIFICATE', 'X509 CERTIFICATE'), 1],
  ])('may name a file with %s', async (_name, content, trusted) => {
    await writeFile(path, content)
    expect(countTrusted()).toBe(trusted)
    expect(await find({ NODE_EXTRA_CA_CERTS: path })).toEqual([])
  })

  test.each<[string, string | Uint8Array, number, RegExp, RegExp]>([
    ['nothing', '', 0, /holds no certificate in PEM$/, /-inform der/],
    ['binary certificate', new X509Certificate(one).raw, 0, /holds no certificate in PEM$/, /-inform der/],
    ['indented lines', `  ${one.replaceAll('\n', '\n  ')}\n`, 0, /holds no certificate in PEM$/, /all lines from/],
    ['a damaged certificate first', `${damaged}\n${one}\n`, 0, /certificate 1 of 2 can't be read/, /copy it again/],
    ['a damaged certificate last', `${one}\n${damaged}\n`, 1, /certificate 2 of 2 can't be read/, /copy it again/],
    ['a certificate in one line', one.replaceAll('\n', ' '), 0, /certificate 1 of 1 can't be read/, /copy it again/],
    ['a certificate without end', one.slice(0, -30), 0, /certificate 1 of 1 can't be read/, /copy it again/],
  ])(
    'that names a file with %s is told, because Node goes on without',
    async (_name, content, trusted, found, remedy) => {
      await writeFile(path, content)
      expect(countTrusted()).toBe(trusted)
      expect(await find({ NODE_EXTRA_CA_CERTS: path })).toEqual([
        { found: expect.stringMatching(found), remedy: expect.stringMatching(remedy) },
      ])
    },
  )

  test('that names no file is told with the reason', async () => {
    const [problem, ...others] = await find({ NODE_EXTRA_CA_CERTS: join(folder, 'none.pem') })
    expect(problem?.found).toMatch(/^NODE_EXTRA_CA_CERTS names \S+none\.pem, which can't be read, .* \(ENOENT\)$/)
    expect(others).toEqual([])
  })

  test('in .env has no effect, so its file is not read', async () => {
    const envFile = { path: '.env', variables: ['NODE_EXTRA_CA_CERTS'], hidden: [] }
    expect(await find({ NODE_EXTRA_CA_CERTS: '/none.pem' }, envFile)).toEqual([])
    expect(await find({ NODE_EXTRA_CA_CERTS: '' })).toEqual([])
  })
})
