/** What the parts of a pull job are called. */
export interface JobNames {
  /** Also its file's, and its operation's file's behind `sync-`. */
  readonly job: string
  readonly operationFile: string
  readonly jobFile: string
  readonly constant: string
  readonly operation: string
  readonly document: string
}

/**
 * Made of the root field's words, behind a prefix each: so neither a digit at the beginning nor a reserved word does any harm.
 *
 * @returns undefined for a name without a letter or digit
 */
export function findJobNames(rootField: string): JobNames | undefined {
  const words = splitWords(rootField)
  if (words.length === 0) return undefined
  const kebab = words.join('-')
  const pascal = toPascal(words)
  return {
    job: `sync-${kebab}`,
    operationFile: `graphql/${kebab}.graphql`,
    jobFile: `src/jobs/sync-${kebab}.ts`,
    constant: `sync${pascal}`,
    operation: `Pull${pascal}`,
    document: `Pull${pascal}Document`,
  }
}

function splitWords(name: string): string[] {
  const words = name.match(/[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+/g) ?? []
  return words.map(word => word.toLowerCase())
}

/** Codegen takes capitals in a row for one word, so that `PullAB` would become `PullAb` there and not here. */
function toPascal(words: readonly string[]): string {
  const joined = words.map(word => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join('')
  return joined.replaceAll(/(?<=[A-Z])[A-Z](?![a-z])/g, capital => capital.toLowerCase())
}
