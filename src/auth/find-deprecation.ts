import type { Login } from '../account.ts'
import type { Explanation } from '../explanation.ts'

/** Finds what to warn about at start although it works. */
export function findDeprecation({ method, clientId }: Login): Explanation | undefined {
  if (method !== 'password') return undefined
  return {
    found: `CLIENT_AUTH=password logs in with a user's password (client "${clientId}"), a grant that OAuth 2.1 removes`,
    remedy: `use a service account (Clients → ${clientId} → Settings → Capability config → Service account roles) with a secret, a key or a certificate`,
  }
}
