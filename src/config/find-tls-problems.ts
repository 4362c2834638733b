import { X509Certificate } from 'node:crypto'
import type { Explanation } from '../explanation.ts'
import { explainFileFailure } from '../failures/file-failure.ts'
import { trustRemedy } from '../failures/network-failure.ts'
import { readSafely } from '../failures/read-safely.ts'
import type { Environment } from './config.ts'
import type { EnvFile } from './read-env-file.ts'

/** Reports what weakens or hinders the verification of server certificates; in `.env` Node's variables have no effect. */
export async function findTlsProblems(
  env: Environment,
  envFile: EnvFile | undefined,
  read: (path: string) => Promise<string>,
): Promise<readonly Explanation[]> {
  const find = (variable: string) => (envFile?.variables.includes(variable) ? undefined : env[variable])
  const unverified = find('NODE_TLS_REJECT_UNAUTHORIZED') === '0' ? [verificationIsOff] : []
  const path = find('NODE_EXTRA_CA_CERTS')
  const unusable = path ? await explainAuthorities(path, read) : undefined
  return unusable ? [...unverified, unusable] : unverified
}

const verificationIsOff: Explanation = {
  found:
    'NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the verification of server certificates, so anybody on the network path can read secrets and tokens',
  remedy: `unset it, and ${trustRemedy}`,
}

/** Node goes on without a file that it can't use: servers are refused, for which setting the variable is the advice. */
async function explainAuthorities(
  path: string,
  read: (path: string) => Promise<string>,
): Promise<Explanation | undefined> {
  const named = `NODE_EXTRA_CA_CERTS names ${path}`
  let text: string
  try {
    text = await read(path)
  } catch (error) {
    const found = `${named}, which can't be read`
    return explainFileFailure(found, error) ?? { found, remedy: 'check the path and its permissions' }
  }
  const parts = text.replace(/^\uFEFF/, '').split(/^(?=-----BEGIN )/m)
  const certificates = parts.filter(part => /^-----BEGIN (?:X509 )?CERTIFICATE-----/.test(part))
  if (certificates.length === 0) {
    return {
      found: `${named}, which holds no certificate in PEM`,
      remedy:
        'convert it with "openssl x509 -inform der -in FILE", or copy it again with all lines from -----BEGIN CERTIFICATE----- on, and restart',
    }
  }
  const damaged = certificates.findIndex(certificate => !readSafely(() => new X509Certificate(certificate)))
  if (damaged === -1) return undefined
  return {
    found: `${named}, whose certificate ${damaged + 1} of ${certificates.length} can't be read, so Node trusts neither it nor those after it`,
    remedy: 'copy it again, complete and unchanged, and restart',
  }
}
