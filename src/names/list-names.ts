const mostNames = 10

/** Lists names for a sentence: the first ten and the number of the others, or "none". */
export function listNames(names: readonly string[], most = mostNames): string {
  if (names.length === 0) return 'none'
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${(names.length - most).toLocaleString('en')} more` : shown
}
