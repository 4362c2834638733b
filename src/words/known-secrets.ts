/**
 * The secrets that an account has in hand: what it logs in with, what it has sent to prove itself, and its latest tokens. Kept in
 * memory alone, so that they can be taken out of what another system says, and found by nothing that prints the object.
 */
export interface KnownSecrets {
  learn(...secrets: readonly (string | undefined)[]): void
  all(): readonly string[]
}

/** More than a token, its refresh token, an assertion and a credential of the last renewals. */
const most = 32

export function createKnownSecrets(): KnownSecrets {
  const known = new Set<string>()
  return {
    learn(...secrets) {
      for (const secret of secrets) {
        if (secret === undefined || secret === '') continue
        // The latest stand at the end.
        known.delete(secret)
        known.add(secret)
      }
      for (const oldest of [...known].slice(0, -most)) known.delete(oldest)
    },
    all: () => [...known],
  }
}
