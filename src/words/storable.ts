/** Whether Postgres can store a text and every UTF-8 encoder can write it: no NUL, no lone surrogate. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
