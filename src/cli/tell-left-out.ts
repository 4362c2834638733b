/** A line for a person, or nothing. @param leftOut names of a schema, the most telling first */
export function tellLeftOut(leftOut: readonly string[]): string {
  if (leftOut.length === 0) return ''
  const more = leftOut.length > 5 ? ` and ${leftOut.length - 5} more` : ''
  return `Left out, because GraphQL or codegen can't take such names: ${leftOut.slice(0, 5).join(', ')}${more}.\n`
}
