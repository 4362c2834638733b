import type { ClientAuth } from 'openid-client'

/**
 * `client_secret_basic`, form-encoded (RFC 6749, section 2.3.1) where a form must be. Servers that don't decode, such as Keycloak
 * before version 20, then accept usual ids and secrets; the library also encodes `-`, `_` and `.`, which every server that does
 * decode accepts as they are.
 */
export function basicAuth(secret: string): ClientAuth {
  return (_server, { client_id }, _body, headers) => {
    const credentials = `${encode(client_id)}:${encode(secret)}`
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
  }
}

function encode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
