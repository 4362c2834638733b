/** Checked by the compiler alone (`npm run types`): what must not compile is marked, and an error itself if it does. */
import type {
  CertificateLogin,
  ClaimsLocation,
  KeyLogin,
  Login,
  PasswordLogin,
  SecretLogin,
} from '../../src/account.ts'

const base = { server: { issuer: 'https://id.example/realms/wiki' }, clientId: 'sync', scopes: [] }
const namespace = 'https://hasura.io/jwt/claims'

export const logins: readonly [SecretLogin, KeyLogin, CertificateLogin, PasswordLogin] = [
  { ...base, method: 'client_secret_basic', secret: { file: '/secret' } },
  { ...base, method: 'private_key_jwt', keyFile: '/key', keyId: 'a' },
  { ...base, method: 'tls_client_auth', certificateFile: '/certificate', keyFile: '/key' },
  { ...base, method: 'password', usernameFile: '/user', passwordFile: '/password' },
]

export const wrongLogins: readonly Login[] = [
  // @ts-expect-error a secret for a method with a key
  { ...base, method: 'private_key_jwt', secret: { file: '/secret' } },
  // @ts-expect-error a key beside a secret
  { ...base, method: 'client_secret_post', secret: { file: '/secret' }, keyFile: '/key' },
  // @ts-expect-error a certificate without its key
  { ...base, method: 'tls_client_auth', certificateFile: '/certificate' },
  // @ts-expect-error a user without a password
  { ...base, method: 'password', usernameFile: '/user' },
  // @ts-expect-error an issuer beside a token endpoint is one too many, and neither is one too few
  { ...base, server: {}, method: 'client_secret_basic', secret: { value: 's' } },
  // @ts-expect-error no method
  { ...base, secret: { value: 's' } },
]

export const wrongLocations: readonly ClaimsLocation[] = [
  // @ts-expect-error a place without a path
  { map: { 'x-hasura-user-id': { default: 'u1' } } },
  // @ts-expect-error a value that is no text
  { map: { 'x-hasura-user-id': 7 } },
  { namespace, format: 'json' },
]
