/** Quotes a value that shouldn't be secret; cut, in case a secret was put there by mistake. */
export function quoteValue(value: string | undefined = ''): string {
  return `"${value.slice(0, 20)}${value.length > 20 ? '…' : ''}"`
}
