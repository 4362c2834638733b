const variable = /"?(x-hasura-[\w-]{1,80})"?/g

/** Session variables that the token lacks. */
export interface MissingVariables {
  /** Quoted. */
  readonly names: string
  /** Hasura says so only before it executes anything. */
  readonly isBeforeAll: boolean
}

/**
 * What Hasura says about session variables that the token lacks, which has no code of its own: an action's handler may answer `not-found`,
 * too. The value tells whether it comes before anything is executed; a remote relationship is asked once its mutation is committed.
 */
const missing: ReadonlyMap<string, boolean> = new Map([
  ['missing session variable: @', true],
  ['missing session variables: @', true],
  ['@ header is expected but not found', true],
  // A preset argument of a remote schema.
  ['@ session variable expected, but not found', false],
  // A condition on a remote relationship.
  ['Session variable @ not found', false],
  // A data connector, such as of MongoDB or Snowflake.
  ['prepareLiteral: session var not found: @', false],
])

/** @returns undefined if the error is about something else */
export function findMissingVariables(code: string, words: string): MissingVariables | undefined {
  if (code !== 'not-found' && code !== 'not-supported') return undefined
  const isBeforeAll = missing.get(words.replaceAll(variable, '@').replaceAll(/@(?:, @){1,9}/g, '@'))
  if (isBeforeAll === undefined) return undefined
  return { names: [...words.matchAll(variable)].map(([, name]) => `"${name}"`).join(', '), isBeforeAll }
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

/**
 * Hasura may say so once a mutation is committed, of a remote relationship.
 *
 * @returns which session variable can't be read as what; undefined if the error is about something else
 */
export function findUnreadableVariable(code: string, words: string): string | undefined {
  for (const [itsCode, pattern] of unreadable) {
    const { type, set, name } = (itsCode === code && pattern.exec(words)?.groups) || {}
    if (type === undefined && set === undefined) continue
    const which = name === undefined ? 'a session variable' : `"${name}"`
    return `${which} of the token as ${type ?? 'a value of its enum'}`
  }
  return undefined
}
