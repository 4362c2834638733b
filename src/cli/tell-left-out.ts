import { listNames } from '../names/list-names.ts'

/** @param leftOut names of a schema, the most important first @returns a line for a person, or an empty text */
export function tellLeftOut(leftOut: readonly string[]): string {
  if (leftOut.length === 0) return ''
  return `Left out, because their names aren't valid for GraphQL or codegen: ${listNames(leftOut, 5)}. To use one, give it a custom name in Hasura.\n`
}
