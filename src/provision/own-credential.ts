import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { Login } from '../account.ts'
import { parseClientCertificate } from '../auth/client-certificate.ts'
import { parsePrivateKey } from '../auth/private-key.ts'
import { type ReadSecretFile, readCredentialFile } from '../auth/read-credential-file.ts'
import { refuseCredential } from '../auth/refuse-credential.ts'
import { parseSigningKey } from '../auth/signing-key.ts'
import { readValue } from '../config/read-value.ts'
import { ConfigError } from '../errors.ts'
import { codeOfFile } from '../failures/file-failure.ts'
import { explainSecretFile, isTellable, nameSecretFile } from '../failures/secret-file.ts'
import { parseJson } from '../json/parse-json.ts'
import { type PublicKey, toPublicKey } from './public-key.ts'

/** How the account authenticates; never the secret itself, so that it can be passed around. */
export type OwnCredential =
  | {
      readonly kind: 'secret'
      readonly origin: string
      readonly file?: string
      readonly isThere: boolean
      is(secret: string): boolean
    }
  | {
      readonly kind: 'key'
      readonly origin: string
      readonly file: string
      readonly keyId?: string
      readonly key?: PublicKey
    }
  | { readonly kind: 'certificate'; readonly file: string; readonly subject: string }

/**
 * Reads the account's files. A missing secret or key is not an error.
 *
 * @throws RefusalError (`client-auth`) if a file contains something else, or can't be read; ConfigError if there is nothing to
 * set up
 */
export async function readOwnCredential(login: Login, read: ReadSecretFile): Promise<OwnCredential> {
  switch (login.method) {
    case 'client_secret_basic':
    case 'client_secret_post': {
      const { secret } = login
      if ('value' in secret) {
        return { kind: 'secret', origin: 'CLIENT_SECRET', isThere: true, is: other => other === secret.value }
      }
      const { file } = secret
      const text = await readIfThere('The secret file', file, read)
      const origin = nameFile(file, 'CLIENT_SECRET_FILE', text)
      return { kind: 'secret', origin, file, isThere: text !== '', is: other => other === text }
    }
    case 'private_key_jwt': {
      const { keyFile: file, keyId } = login
      const text = await readIfThere('The key file', file, read)
      const key = text === '' ? undefined : readKey(text, file, keyId)
      const origin = nameFile(file, 'CLIENT_KEY_FILE', text)
      return { kind: 'key', origin, file, ...(keyId !== undefined && { keyId }), ...(key && { key }) }
    }
    case 'tls_client_auth':
      return await readCertificate(login.certificateFile, login.keyFile, read)
    case 'password':
      throw new ConfigError(['A user is not a client, so CLIENT_AUTH=password has nothing to set up'])
  }
}

/** @returns an empty text if there is no file */
async function readIfThere(what: string, file: string, read: ReadSecretFile): Promise<string> {
  try {
    return readValue(await read(file)).value
  } catch (error) {
    if (codeOfFile(error) === 'ENOENT') return ''
    throw refuseCredential(explainSecretFile({ what, path: file }, error))
  }
}

/** Without a file of that name, the name may be the secret itself. */
function nameFile(file: string, variable: string, text: string): string {
  return text !== '' || isTellable(file, 'ENOENT') ? file : `the file that ${variable} names`
}

function readKey(text: string, file: string, keyId: string | undefined): PublicKey {
  const what = `The key file ${file}`
  const { key, kid } = parseSigningKey(text, what, keyId)
  const privateKey = text.startsWith('{') ? parseJwk(text) : parsePrivateKey(text, what)
  return toPublicKey(privateKey, { ...(kid !== undefined && { kid }), alg: algorithms[key.algorithm.name] ?? 'RS256' })
}

const algorithms: Readonly<Record<string, string>> = { 'RSA-PSS': 'PS256', ECDSA: 'ES256' }

/** `parseSigningKey` has already read it. */
function parseJwk(text: string): KeyObject {
  return createPrivateKey({ key: z.record(z.string(), z.unknown()).parse(parseJson(text)), format: 'jwk' })
}

async function readCertificate(file: string, keyFile: string, read: ReadSecretFile): Promise<OwnCredential> {
  const files = {
    certificate: { what: 'The certificate file', path: file },
    key: { what: 'The key file', path: keyFile },
  }
  const { value: certificate } = await readCredentialFile(files.certificate, read)
  const { value: key } = await readCredentialFile(files.key, read)
  const { subject } = parseClientCertificate(
    { text: certificate, what: nameSecretFile(files.certificate) },
    { text: key, what: nameSecretFile(files.key) },
  )
  return { kind: 'certificate', file, subject }
}

/**
 * A new key of the same kind as its predecessor; ES256 for a first one. It is written as JWK, whose `kid` distinguishes it from
 * its predecessor while Keycloak knows both.
 *
 * @returns the private key as the text of its file
 */
export function createSigningKey(algorithm = 'ES256', keyId?: string): { text: string; key: PublicKey } {
  const { privateKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 3072 })
  const kid = keyId ?? toPublicKey(privateKey).thumbprint
  const names = { kid, alg: algorithm }
  return {
    text: `${JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...names })}\n`,
    key: toPublicKey(privateKey, names),
  }
}
