import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { inspectCertificate } from '../../src/doctor/inspect-certificate.ts'
import { type CertificateFiles, ensureCertificateAuthority, hasOpenssl } from '../services/certificates.ts'

describe.runIf(hasOpenssl)('a certificate that is valid for two days', () => {
  let folder: string
  let files: CertificateFiles

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-expiry-'))
    files = ensureCertificateAuthority(folder).issueForClient('soon')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  function inspect(laterHours: number, certificateFile = files.certificateFile) {
    const [account] = parseConfig({
      OIDC_ISSUER: 'https://k.example/realms/x',
      CLIENT_ID: 'c',
      CLIENT_AUTH: 'tls_client_auth',
      CLIENT_CERT_FILE: certificateFile,
      CLIENT_KEY_FILE: files.keyFile,
    }).accounts
    return inspectCertificate(account?.login ?? expect.fail('no account'), {
      readSecretFile: path => readFile(path, 'utf8'),
      clock: { now: () => Date.now() + laterHours * 3_600_000 },
    })
  }

  test('is told once a quarter of its life is left', async () => {
    expect(await inspect(35)).toBeUndefined()
    expect(await inspect(37)).toEqual({
      status: 'warn',
      detail: expect.stringMatching(/^the certificate .*soon\.pem expires in 1[01] h/),
      hint: 'have its authority renew it, and replace both files; the worker needs no restart',
    })
  })

  test('is left to the login when it has expired or can’t be read', async () => {
    expect(await inspect(49)).toBeUndefined()
    expect(await inspect(37, join(folder, 'nowhere.pem'))).toBeUndefined()
  })
})
