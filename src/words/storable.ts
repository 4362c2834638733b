/** Whether Postgres can store it, and every UTF-8 encoder write it: no NUL, no half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
