const mostNames = 10

/** Names in a sentence, the first ten of them with how many were left out; "none" where there are none. */
export function listNames(names: readonly string[], most = mostNames): string {
  if (names.length === 0) return 'none'
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${(names.length - most).toLocaleString('en')} more` : shown
}
