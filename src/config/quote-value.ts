/** A value that holds no secret where it belongs, for a sentence; shortened should one have been put there by mistake. */
export function quoteValue(value: string | undefined = ''): string {
  return `"${value.slice(0, 20)}${value.length > 20 ? '…' : ''}"`
}
