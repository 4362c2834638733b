import { listNames } from '../names/list-names.ts'

/** A line for a person, or nothing. @param leftOut names of a schema, the most telling first */
export function tellLeftOut(leftOut: readonly string[]): string {
  if (leftOut.length === 0) return ''
  return `Left out, because GraphQL or codegen can't take such names: ${listNames(leftOut, 5)}.\n`
}
