/**
 * A name as the database has it, if Hasura's naming convention `graphql-default` made camel case of it. Event triggers keep those of
 * the database (hasura/graphql-engine #8947).
 */
export function inSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
