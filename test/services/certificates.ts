import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findServer } from './find-server.ts'

/** PEM files of a certificate and its key. */
export interface CertificateFiles {
  readonly certificateFile: string
  readonly keyFile: string
}

/** A certificate authority of a test's own, in a folder of its own. */
export interface CertificateAuthority extends CertificateFiles {
  /** The authority's certificate, for who has to trust it. */
  readonly certificate: string
  /** A certificate for loopback, for a server. */
  issueForLoopback(name: string): CertificateFiles
  /** The same with a key of 1,024 bits, which Node refuses. */
  issueWeak(name: string): CertificateFiles
  /** A certificate for a client, with `CN=name` as its whole subject unless `name` goes on, as in `a/O=Wiki`. */
  issueForClient(name: string): CertificateFiles
  /** A certificate for a client whose time is over. */
  issueExpired(name: string): CertificateFiles
}

const openssl = findServer('openssl', [])

/** Certificates are made with the `openssl` command; suites that need them are skipped where there is none. */
export const hasOpenssl = openssl !== undefined

const forLoopback = 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n'

/** @param folder holds the authority and all that it issues; both are made when they aren't there */
export function ensureCertificateAuthority(folder: string): CertificateAuthority {
  mkdirSync(folder, { recursive: true })
  const files = filesOf(folder, 'authority')
  const own = existsSync(files.certificateFile) ? files : createSelfSigned(folder, 'authority')
  const issue = (name: string, extensions: string, { days = '2', bits = 2_048 } = {}): CertificateFiles => {
    const files = filesOf(folder, name)
    const requestFile = `${files.keyFile}.csr`
    const extensionsFile = `${files.keyFile}.ext`
    writeFileSync(extensionsFile, extensions)
    run(['req', '-new', ...newKey(files.keyFile, bits), '-subj', `/CN=${name}`, '-out', requestFile])
    run([
      ...['x509', '-req', '-in', requestFile, '-out', files.certificateFile, '-days', days],
      ...['-CA', own.certificateFile, '-CAkey', own.keyFile, '-set_serial', String(randomInt(2 ** 40))],
      ...['-extfile', extensionsFile],
    ])
    return files
  }
  return {
    ...own,
    certificate: readFileSync(own.certificateFile, 'utf8'),
    issueForLoopback: name => issue(name, forLoopback),
    issueWeak: name => issue(name, forLoopback, { bits: 1_024 }),
    issueForClient: name => issue(name, 'extendedKeyUsage=clientAuth\n'),
    issueExpired: name => issue(name, 'extendedKeyUsage=clientAuth\n', { days: '-1' }),
  }
}

/** A certificate that nobody vouches for. */
export function createSelfSigned(folder: string, name: string): CertificateFiles {
  const files = filesOf(folder, name)
  run(['req', '-x509', ...newKey(files.keyFile), '-subj', `/CN=${name}`, '-out', files.certificateFile, '-days', '2'])
  return files
}

function filesOf(folder: string, name: string): CertificateFiles {
  const base = join(folder, name.replaceAll('/', '-'))
  return { certificateFile: `${base}.pem`, keyFile: `${base}.key` }
}

function newKey(keyFile: string, bits = 2_048): string[] {
  return ['-newkey', `rsa:${bits}`, '-nodes', '-keyout', keyFile]
}

function run(args: string[]): void {
  if (!openssl) throw new Error('There is no openssl command; look at hasOpenssl first')
  execFileSync(openssl, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
