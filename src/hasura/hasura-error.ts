import { z } from 'zod'
import { quoteForeign } from '../words/foreign-words.ts'

/** One error of Hasura, reduced to what may be shown. */
export interface HasuraError {
  /** Hasura's `extensions.code`, or an action handler's own; `unexpected` when there is none. */
  readonly code: string
  /** Where in the request, such as `$.selectionSet.articles`. */
  readonly path?: string
  /** Hasura's words, only where they can't hold a value out of a row or of the variables. */
  readonly safeMessage: string | undefined
  /** A field, or a root field, that this role's schema doesn't have. */
  readonly isFieldNotFound: boolean
  /** The API has an allow list, and the operation isn't on it. */
  readonly isNotAllowed: boolean
}

/**
 * The errors in a response's body: GraphQL's `errors`, or the `{ path, error, code }` that Hasura's other routes answer
 * with (a wrong path of the URL, for example). Empty when there are none.
 *
 * @param secrets are taken out of the messages
 */
export function parseHasuraErrors(body: unknown, secrets: readonly string[] = []): readonly HasuraError[] {
  const graphql = graphqlErrors.safeParse(body)
  if (graphql.success) return graphql.data.errors.map(error => reduce(error, secrets))
  const plain = plainError.safeParse(body)
  return plain.success ? [reduce({ message: plain.data.error, extensions: plain.data }, secrets)] : []
}

const extensions = z
  .object({
    code: z
      .string()
      .regex(/^[\w.:-]{1,80}$/)
      .optional()
      .catch(undefined),
    path: z
      .string()
      .regex(/^\$[\w.$[\]]{0,200}$/)
      .optional()
      .catch(undefined),
  })
  .catch({})

const graphqlErrors = z.object({
  errors: z.array(z.object({ message: z.string().catch(''), extensions }).catch({ message: '', extensions: {} })),
})

const plainError = z.object({ error: z.string(), code: z.string(), path: z.string().optional() })

function reduce(
  error: { message: string; extensions: z.infer<typeof extensions> },
  secrets: readonly string[],
): HasuraError {
  const { code = 'unexpected', path } = error.extensions
  const isFieldNotFound = code === 'validation-failed' && fieldNotFound.test(error.message)
  const isNotAllowed = code === 'validation-failed' && error.message === 'query is not allowed'
  const isSafe =
    safeCodes.has(code) || (code === 'validation-failed' && (isFieldNotFound || isNotAllowed || !mayQuoteValue(path)))
  return {
    code,
    isFieldNotFound,
    isNotAllowed,
    ...(path !== undefined && { path }),
    // An answer may hold thousands of errors, of which one is told.
    get safeMessage() {
      return isSafe && error.message !== '' ? quoteForeign(error.message, secrets) : undefined
    },
  }
}

/**
 * Hasura has no code of its own for a field that a role may not see, so its words have to be read: two generations of
 * them, and graphql-js' as other servers say it.
 */
const fieldNotFound =
  /^(?:field ['"]\w+['"] not found in type: ['"]?\w+['"]?|no (?:mutations|queries|subscriptions) exist|no such type exists in the schema: ['"]?\w+['"]?|Cannot query field "\w+" on type "\w+"\..*)$/

/** Their messages speak of headers, roles and the token's form. */
const safeCodes: ReadonlySet<string> = new Set([
  'access-denied',
  'invalid-headers',
  'invalid-jwt',
  'jwt-invalid-claims',
  'jwt-missing-role-claims',
])

/** A message about an argument or a variable can say what was found there ("expected one of …, but found …"). */
function mayQuoteValue(path: string | undefined): boolean {
  return path === undefined || /\.(?:args|variableValues|variables)\b/.test(path)
}
