import type { Login } from '../account.ts'

/** What to warn about at start although it works, or undefined. */
export function findDeprecation({ method, clientId }: Login): string | undefined {
  if (method !== 'password') return undefined
  return `CLIENT_AUTH=password logs in with a user's password (client "${clientId}"), which OAuth 2.1 has no more: use a service account (Clients → ${clientId} → Settings → Capability config → Service account roles) with a secret, a key or a certificate`
}
