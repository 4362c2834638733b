import { OutageError, RefusalError, type WorkerError } from '../errors.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import { findMeaning } from './client-remedy.ts'
import type { Asker, OAuthRefusal } from './refused-grant.ts'

/** Translates a refused grant. */
export function translateRefusal(refusal: OAuthRefusal, asker: Asker): WorkerError {
  const said = quoteForeign(wordsOf(refusal), asker.secrets)
  const { clientId, url } = asker
  if (refusal.error === 'invalid_scope') {
    const names = asker.scopes.join(' ')
    return new RefusalError('scope', 'account', {
      found: `Keycloak refused the scopes "${names}" for client "${clientId}" at ${url} (${said})`,
      remedy: `check SCOPE, and that the client has these client scopes (Clients → ${clientId} → Client scopes)`,
    })
  }
  if (refusal.error === 'temporarily_unavailable' || refusal.error === 'server_error') {
    return new OutageError('token-endpoint', 'account', {
      found: `${url} can't issue tokens now (${said})`,
      remedy: 'check the identity provider',
    })
  }
  const { because, remedy } = findMeaning(refusal, asker)
  const found = `Keycloak refused client "${clientId}" at ${url} (${said})`
  return new RefusalError('client-auth', 'account', {
    found: because === undefined ? found : `${found}, because ${because}`,
    remedy,
  })
}

/** Whether the client or its credential was refused, so that another credential may help. */
export function refusesClient(error: unknown): boolean {
  return error instanceof RefusalError && error.code === 'client-auth'
}

function wordsOf({ error, description }: OAuthRefusal): string {
  return description === undefined ? error : `${error}: ${description}`
}
