import { randomBytes } from 'node:crypto'

export const REFRESH_TOKEN_SECONDS = 1800

/** Refresh tokens stay usable until they expire: Keycloak revokes one on use only if configured to. */
export class RefreshTokens {
  readonly #tokens = new Map<string, { clientId: string; expiresAt: number }>()

  issue(clientId: string): string {
    const token = randomBytes(32).toString('base64url')
    this.#tokens.set(token, { clientId, expiresAt: Date.now() + REFRESH_TOKEN_SECONDS * 1000 })
    return token
  }

  isValid(token: unknown, clientId: string): boolean {
    const found = typeof token === 'string' ? this.#tokens.get(token) : undefined
    return found?.clientId === clientId && found.expiresAt > Date.now()
  }
}
