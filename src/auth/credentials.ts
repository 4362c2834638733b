import { type ClientAuth, ClientSecretPost, None, PrivateKeyJwt, TlsClientAuth } from 'openid-client'
import type { CertificateLogin, KeyLogin, Login, PasswordLogin, Secret } from '../account.ts'
import { type ReadValue, readValue } from '../config/read-value.ts'
import { nameSecretFile } from '../failures/secret-file.ts'
import type { Exchange } from '../outgoing/exchange.ts'
import type { Clock } from '../time/clock.ts'
import { type ChangeAssertion, writeAssertion } from './assertion.ts'
import { basicAuth } from './basic-auth.ts'
import { createCertificateLoginExchange } from './certificate-exchange.ts'
import { describeCertificate, parseClientCertificate } from './client-certificate.ts'
import { type ReadSecretFile, readCredentialFile } from './read-credential-file.ts'
import { refuseCredential } from './refuse-credential.ts'
import { parseSigningKey } from './signing-key.ts'

/** A client's credential, with its files as they were when read. */
export interface Credential {
  readonly authenticate: ClientAuth
  /** For the password grant. */
  readonly user?: { readonly name: string; readonly password: string }
  /** Sends every request of the login, when the client uses a certificate. */
  readonly exchange?: Exchange
  /** The texts it was made from: equal texts are the same credential. */
  readonly texts: readonly string[]
  /** Secrets to remove from the words of a response. */
  readonly secrets: readonly string[]
  /** Where it comes from, for messages such as "check …". */
  readonly origin: string
}

/** The credential, cached from its first use until a refusal, because it may be rotated while the process runs. */
export interface Credentials {
  /** @throws RefusalError (`client-auth`) with the file and what is wrong with it */
  get(): Promise<Credential>
  /**
   * Reads the credential again after the server refused it. @returns whether it has changed
   *
   * @throws as `get`
   */
  hasChangedSince(refused: Credential): Promise<boolean>
}

export interface CredentialsDeps {
  readonly clock: Clock
  readonly readSecretFile: ReadSecretFile
  readonly changeAssertion: ChangeAssertion
}

export function createCredentials(login: Login, deps: CredentialsDeps): Credentials {
  let known: Credential | undefined

  async function get(): Promise<Credential> {
    known ??= await readCredential(login, deps)
    return known
  }

  return {
    get,
    async hasChangedSince(refused) {
      known = undefined
      const { texts } = await get()
      return texts.length !== refused.texts.length || texts.some((text, index) => text !== refused.texts[index])
    },
  }
}

async function readCredential(login: Login, deps: CredentialsDeps): Promise<Credential> {
  const { readSecretFile: read, clock, changeAssertion } = deps
  switch (login.method) {
    case 'client_secret_basic':
    case 'client_secret_post': {
      const { value, origin } = await readSecret(login.secret, login.clientId, read)
      const authenticate = login.method === 'client_secret_post' ? ClientSecretPost(value) : basicAuth(value)
      return { authenticate, texts: [value], secrets: [value], origin }
    }
    case 'private_key_jwt':
      return readKey(login, read, changeAssertion)
    case 'tls_client_auth':
      return readCertificate(login, read, clock)
    case 'password':
      return readPassword(login, read)
  }
}

async function readKey(login: KeyLogin, read: ReadSecretFile, change: ChangeAssertion): Promise<Credential> {
  const { keyFile, keyId, clientId } = login
  const file = { what: 'The key file', path: keyFile, of: `of client "${clientId}"` }
  const { value: text } = await readCredentialFile(file, read)
  const key = parseSigningKey(text, nameSecretFile(file), keyId)
  const { alg, kid } = describeKey(key)
  return {
    authenticate: PrivateKeyJwt(key, writeAssertion(change)),
    texts: [text],
    secrets: [text],
    origin: `the key file ${keyFile} (${alg}, ${kid})`,
  }
}

function describeKey(key: ReturnType<typeof parseSigningKey>): { alg: string; kid: string } {
  const names: Readonly<Record<string, string>> = { 'RSA-PSS': 'PS256', ECDSA: 'ES256' }
  return { alg: names[key.key.algorithm.name] ?? 'RS256', kid: key.kid === undefined ? 'no kid' : `kid "${key.kid}"` }
}

async function readCertificate(login: CertificateLogin, read: ReadSecretFile, clock: Clock): Promise<Credential> {
  const { certificateFile, keyFile, clientId } = login
  const of = `of client "${clientId}"`
  const files = {
    certificate: { what: 'The certificate file', path: certificateFile, of },
    key: { what: 'The key file', path: keyFile, of },
  }
  const { value: certificate } = await readCredentialFile(files.certificate, read)
  const { value: key } = await readCredentialFile(files.key, read)
  const parsed = parseClientCertificate(
    { text: certificate, what: nameSecretFile(files.certificate) },
    { text: key, what: nameSecretFile(files.key) },
  )
  return {
    authenticate: TlsClientAuth(),
    exchange: createCertificateLoginExchange(parsed, clock),
    texts: [certificate, key],
    secrets: [key],
    origin: `the certificate file ${certificateFile} (${describeCertificate(parsed)})`,
  }
}

async function readPassword(login: PasswordLogin, read: ReadSecretFile): Promise<Credential> {
  const { usernameFile, passwordFile, clientId } = login
  const name = await readCredentialFile({ what: 'The user name file', path: usernameFile }, read)
  const password = await readCredentialFile({ what: 'The password file', path: passwordFile }, read)
  const secret = login.secret && (await readSecret(login.secret, clientId, read))
  const origins = [describeOrigin(usernameFile, name), describeOrigin(passwordFile, password)].join(', ')
  return {
    authenticate: secret === undefined ? None() : basicAuth(secret.value),
    user: { name: name.value, password: password.value },
    texts: [name.value, password.value, secret?.value ?? ''],
    secrets: secret === undefined ? [password.value] : [password.value, secret.value],
    origin: secret === undefined ? origins : `${origins} and ${secret.origin}`,
  }
}

async function readSecret(secret: Secret, clientId: string, read: ReadSecretFile) {
  if ('file' in secret) {
    const file = { what: 'The secret file', path: secret.file, of: `of client "${clientId}"` }
    const found = await readCredentialFile(file, read)
    return { value: found.value, origin: describeOrigin(`the secret file ${secret.file}`, found) }
  }
  const found = readValue(secret.value)
  if (found.value !== '') return { value: found.value, origin: describeOrigin('CLIENT_SECRET', found) }
  throw refuseCredential({
    found: `The secret of client "${clientId}" is empty`,
    remedy: 'set CLIENT_SECRET or CLIENT_SECRET_FILE',
  })
}

function describeOrigin(place: string, { oddity }: ReadValue): string {
  return oddity === undefined ? place : `${place}, whose value ${oddity}`
}
