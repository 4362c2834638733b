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
    return new PermanentError('forbidden', {
      found: `The administrator may not do ${name} in realm "${realm}" (HTTP 403)`,
      remedy: `assign manage-clients and manage-users${more} of client "realm-management" to it, or of client "${realm}-realm" if it belongs to realm master`,
    })
  }
  if (error.code === 'not-found' && name === 'clients.find') {
    return new PermanentError('not-found', {
      found: `There is no realm "${realm}" in this Keycloak, or a proxy in front of it withholds /admin`,
      remedy: 'check OIDC_ISSUER, or set TOKEN_URL to an address of Keycloak where /admin can be reached',
    })
  }
  return error
}
