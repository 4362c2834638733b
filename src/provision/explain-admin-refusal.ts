import { PermanentError } from '../errors.ts'

/**
 * What it means that the Admin API refuses an administrator, with what it takes to set an account up.
 *
 * @returns the same error when it is about something else
 */
export function explainAdminRefusal(error: unknown, realm: string): unknown {
  if (!(error instanceof PermanentError)) return error
  const name = error.message.split(' ', 1)[0] ?? ''
  if (error.code === 'forbidden') {
    return new PermanentError('forbidden', {
      found: `The administrator may not do ${name} in realm "${realm}" (HTTP 403)`,
      remedy: `assign manage-clients and manage-users of client "realm-management" to it, or of client "${realm}-realm" where it is one of realm master`,
    })
  }
  if (error.code === 'not-found' && name === 'clients.find') {
    return new PermanentError('not-found', {
      found: `There is no realm "${realm}" in this Keycloak`,
      remedy: 'check OIDC_ISSUER',
    })
  }
  return error
}
