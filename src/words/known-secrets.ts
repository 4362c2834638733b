/**
 * The secrets of an account: its credentials, what it sent to authenticate, and its latest tokens. Kept in memory only, to remove them
 * from the words of other systems; printing the object doesn't show them.
 */
export interface KnownSecrets {
  learn(...secrets: readonly (string | undefined)[]): void
  all(): readonly string[]
}

/** Enough for the tokens, refresh tokens, assertions and credentials of the last renewals. */
const most = 32

export function createKnownSecrets(): KnownSecrets {
  const known = new Set<string>()
  return {
    learn(...secrets) {
      for (const secret of secrets) {
        if (secret === undefined || secret === '') continue
        // The latest are at the end.
        known.delete(secret)
        known.add(secret)
      }
      for (const oldest of [...known].slice(0, -most)) known.delete(oldest)
    },
    all: () => [...known],
  }
}
