const variable = /"?(x-hasura-[\w-]{1,80})"?/g

/** What Hasura says about session variables that the token lacks, which has no code of its own: an action's handler may answer `not-found`, too. */
const missing: ReadonlySet<string> = new Set([
  'missing session variable: @',
  'missing session variables: @',
  '@ header is expected but not found',
  // A preset argument of a remote schema.
  '@ session variable expected, but not found',
  // A condition on a remote relationship.
  'Session variable @ not found',
  // A data connector, such as of MongoDB or Snowflake.
  'prepareLiteral: session var not found: @',
])

/** @returns the session variables that the token lacks, quoted; undefined if the error is about something else */
export function findMissingVariables(code: string, words: string): string | undefined {
  if (code !== 'not-found' && code !== 'not-supported') return undefined
  if (!missing.has(words.replaceAll(variable, '@').replaceAll(/@(?:, @){1,9}/g, '@'))) return undefined
  return [...words.matchAll(variable)].map(([, name]) => `"${name}"`).join(', ')
}

/** What Hasura says about a session variable that it can't read, with its value in quotes or after the sentence. */
const unreadable: readonly (readonly [code: string, words: RegExp])[] = [
  [
    'coercion-error',
    /" (?:cannot be coerced into an? (?<type>\w{1,80}) value|is not one of the valid (?<set>enum) values)$/,
  ],
  ['coercion-error', /" is not a valid (?<type>GraphQL name)$/],
  ['parse-failed', /^Expected (?<type>[\w ]{1,80}) for session variable "(?<name>x-hasura-[\w-]{1,80})"\. /],
]

/** @returns which session variable can't be read as what; undefined if the error is about something else */
export function findUnreadableVariable(code: string, words: string): string | undefined {
  for (const [itsCode, pattern] of unreadable) {
    const { type, set, name } = (itsCode === code && pattern.exec(words)?.groups) || {}
    if (type === undefined && set === undefined) continue
    const which = name === undefined ? 'a session variable' : `"${name}"`
    return `${which} of the token as ${type ?? 'a value of its enum'}`
  }
  return undefined
}
