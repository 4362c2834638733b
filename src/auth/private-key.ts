import { createPrivateKey, type KeyObject } from 'node:crypto'
import { refuseCredential } from './refuse-credential.ts'

/**
 * Reads a private key from PEM: PKCS #8, PKCS #1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`), not encrypted.
 *
 * @param what how messages call the file, such as "The key file /run/key.pem"
 * @throws RefusalError (`client-auth`) that says what it is instead; never with a piece of it
 */
export function parsePrivateKey(text: string, what: string): KeyObject {
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text)?.[1]
  if (label === undefined) {
    throw refuseCredential({
      found: `${what} holds no private key`,
      remedy: 'give it as PEM (-----BEGIN PRIVATE KEY-----)',
    })
  }
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw refuseCredential({
      found: `${what} holds an encrypted key, and there is nobody to type its passphrase`,
      remedy: 'decrypt it with openssl pkey, and let only this process read it',
    })
  }
  if (!keyLabels.has(label)) {
    throw refuseCredential({
      found: `${what} begins with a ${label}`,
      remedy: 'put the private key into it, which belongs to this worker alone',
    })
  }
  try {
    return createPrivateKey(text)
  } catch {
    // OpenSSL's error isn't kept as a cause: nobody knows what of the key it quotes.
    throw refuseCredential({
      found: `${what} holds a ${label} that can't be read`,
      remedy: 'copy it again, complete and unchanged',
    })
  }
}

const keyLabels: ReadonlySet<string> = new Set(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'EC PARAMETERS'])
