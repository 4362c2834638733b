import { OutageError, PermanentError } from '../errors.ts'
import { mendRejection } from '../rest/admin-api-scope.ts'

/**
 * Explains why the Admin API refuses an administrator, and what setting up an account requires.
 *
 * @returns the same error if it has another cause
 */
export function explainAdminRefusal(error: unknown, realm: string): unknown {
  if (error instanceof OutageError && error.code === 'unauthorized') {
    const { code, scope, found } = error
    return new OutageError(code, scope, { found, remedy: mendRejection("the administrator's client") })
  }
  if (!(error instanceof PermanentError)) return error
  const name = error.message.split(' ', 1)[0] ?? ''
  if (error.code === 'forbidden') {
    const more = name.endsWith('ProtocolMapper') ? ', and to change mappers since Keycloak 26.8.2 manage-realm,' : ''
    const toAssign = name.endsWith('RoleMappings')
      ? '; to assign a role of that client, it must have this role itself, and with Keycloak 26.4.0 to 26.4.7 and 26.5.0 realm-admin'
      : ''
    return new PermanentError('forbidden', {
      found: `The administrator may not do ${name} in realm "${realm}" (HTTP 403)`,
      remedy: `assign manage-clients and manage-users${more} of client "realm-management" to it, or of client "${realm}-realm" if it belongs to realm master${toAssign}`,
    })
  }
  if (name === 'users.update') {
    const choose = 'choose another address with --email'
    if (error.code === 'http-409') {
      return new PermanentError(error.code, {
        found: `Another user of realm "${realm}" has the address that the service account's user should get (HTTP 409)`,
        remedy: choose,
      })
    }
    if (error.code === 'http-400') {
      return new PermanentError(error.code, {
        found: `Realm "${realm}" does not accept the change of the service account's user (HTTP 400)`,
        remedy: `${choose}, one that the realm's user profile allows (Realm settings → User profile → email)`,
      })
    }
  }
  if (error.code === 'not-found' && name === 'clients.find') {
    return new PermanentError('not-found', {
      found: `There is no realm "${realm}" in this Keycloak, or a proxy in front of it withholds /admin`,
      remedy: 'check OIDC_ISSUER, or set TOKEN_URL to an address of Keycloak where /admin can be reached',
    })
  }
  return error
}
