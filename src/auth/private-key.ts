import { createPrivateKey, type KeyObject } from 'node:crypto'
import { refuseCredential } from './refuse-credential.ts'
import { unreadablePem } from './unreadable-pem.ts'

/**
 * Parses an unencrypted private key in PEM: PKCS #8, PKCS #1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`).
 *
 * @param what name of the file in messages, such as "The key file /run/key.pem"
 * @throws RefusalError (`client-auth`) that says what the file holds instead, without any part of it
 */
export function parsePrivateKey(text: string, what: string): KeyObject {
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text)?.[1]
  if (label === undefined) {
    throw refuseCredential({
      found: `${what} holds no private key`,
      remedy: 'provide it as PEM (-----BEGIN PRIVATE KEY-----)',
    })
  }
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw refuseCredential({
      found: `${what} holds an encrypted key, whose passphrase nobody can type`,
      remedy: 'decrypt it with "openssl pkey", and make it readable by this process only',
    })
  }
  if (!keyLabels.has(label)) {
    throw refuseCredential({
      found: `${what} begins with a ${label}`,
      remedy: 'put the private key into it, and use that key for this worker only',
    })
  }
  try {
    return createPrivateKey(text)
  } catch {
    // OpenSSL's error isn't kept as a cause: it may quote the key.
    throw unreadablePem(`${what} holds a ${label}`, text)
  }
}

const keyLabels: ReadonlySet<string> = new Set(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'EC PARAMETERS'])
