import { z } from 'zod'
import { quoteForeign } from '../words/foreign-words.ts'
import { findUnreadRemedy } from './jwt-words.ts'
import { findMissingVariables, findUnreadableVariable, type MissingVariables } from './variable-words.ts'

/** An error of Hasura, reduced to what may be shown. */
export interface HasuraError {
  /** Hasura's `extensions.code`, or an action handler's own; `unexpected` when there is none. */
  readonly code: string
  /** Path in the request, such as `$.selectionSet.articles`. */
  readonly path?: string
  /** Hasura's message, only if it can't hold a value of a row or of the variables. */
  readonly safeMessage: string | undefined
  /** Whether Hasura itself, or its authentication hook, could not verify the token; nothing was executed. */
  readonly isTokenRejected: boolean
  /** What to do if Hasura itself says that it read no token; nothing was executed. */
  readonly unreadRemedy: string | undefined
  /** Whether Hasura's own limit of requests is exceeded; nothing was executed. */
  readonly isRateLimited: boolean
  /** Whether the role's schema lacks the field; by a code other than Hasura's, another part of a mutation may have been executed. */
  readonly isFieldNotFound: boolean
  /** Whether the API has an allow list without this operation. */
  readonly isNotAllowed: boolean
  /** Whether a route of Hasura other than its GraphQL API answered; nothing was executed. */
  readonly isOfOtherRoute: boolean
  /** Whether Hasura could not read the error of an action's handler, which may have executed something. */
  readonly isOfHandler: boolean
  /** Whether a handler uses Hasura's code: of an action, or one that validates the input of a table. */
  readonly isByHandler: boolean
  /** Whether the operation itself is refused, whatever its variables are. */
  readonly isOperationRefused: boolean
  /** The session variables that a permission of the role needs and the token lacks. */
  readonly missingVariables: MissingVariables | undefined
  /** Which session variable Hasura can't read as what; a mutation may have been executed. */
  readonly unreadableVariable: string | undefined
}

/**
 * Parses the errors of a response: GraphQL's `errors`, or the `{ path, error, code }` of Hasura's other routes (for a wrong URL path, for
 * example). Empty when there are none.
 *
 * @param secrets redacted in the messages
 */
export function parseHasuraErrors(body: unknown, secrets: readonly string[] = []): readonly HasuraError[] {
  const graphql = graphqlErrors.safeParse(body)
  if (graphql.success) return graphql.data.errors.map(error => reduce(error, secrets))
  const plain = plainError.safeParse(body)
  return plain.success ? [reduce({ message: plain.data.error, extensions: plain.data }, secrets, 'plain')] : []
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
  form: 'graphql' | 'plain' = 'graphql',
): HasuraError {
  const { code = 'unexpected', path } = error.extensions
  const isTokenRejected =
    (code === 'invalid-jwt' && error.message.startsWith('Could not verify JWT: ')) ||
    (code === 'access-denied' && error.message === 'Authentication hook unauthorized this request')
  const isFieldNotFound =
    (code === 'validation-failed' && fieldNotFound.test(error.message)) || foreignFieldNotFound.test(error.message)
  const isNotAllowed = code === 'validation-failed' && error.message === 'query is not allowed'
  const isUnfit = code === 'validation-failed' && unfit.test(error.message)
  const isByHandler = (path ?? '$') === '$' && ownWords.get(code)?.test(error.message) === false
  const isSafe =
    isTokenRejected ||
    isFieldNotFound ||
    isUnfit ||
    (!isByHandler && (safeCodes.has(code) || (code === 'validation-failed' && !mayQuoteValue(path))))
  return {
    code,
    isTokenRejected,
    unreadRemedy: findUnreadRemedy(code, error.message),
    isRateLimited: code === 'rate-limit-exceeded' && rateLimited.test(error.message),
    isFieldNotFound,
    isNotAllowed,
    // A path further down leads to a value of the operation, such as a geometry without its type.
    isOfOtherRoute:
      (form === 'plain' || path === '$') &&
      ((code === 'not-found' && (form === 'plain' || error.message === 'resource does not exist')) ||
        (code === 'parse-failed' && lacksType.test(error.message))),
    isOfHandler: code === 'parse-failed' && unreadHandler.test(error.message),
    isByHandler,
    isOperationRefused: isNotAllowed || isUnfit || (isFieldNotFound && !namesArgument(path)),
    missingVariables: findMissingVariables(code, error.message),
    unreadableVariable: findUnreadableVariable(code, error.message),
    ...(path !== undefined && { path }),
    // A response may hold thousands of errors; only one is shown.
    get safeMessage() {
      return isSafe && error.message !== '' ? quoteForeign(error.message, secrets) : undefined
    },
  }
}

/** An action handler or a remote schema may answer with the same code, after other fields were executed. */
const rateLimited = /^rate limit of \d+ exceeded/

/** Hasura has no code for a field that a role may not see, so its message decides, in two generations. */
const fieldNotFound =
  /^(?:field ['"]\w+['"] not found in type: ['"]?\w+['"]?|no (?:mutations|queries|subscriptions) exist|no such type exists in the schema: ['"]?\w+['"]?)$/

/** The words of graphql-js and its translations: of a gateway in front of Hasura, or of a remote schema that Hasura has read earlier. */
const foreignFieldNotFound = /^Cannot query field "\w+" on type "\w+"\.(?: Did you mean .*)?$/

/** What `/v1/metadata`, `/v1/query` and `/v2/query` say to a GraphQL request; a missing path is `not-found`. */
const lacksType = /key ['"]?type['"]? (?:(?:was )?not present|not found)/

/** What Hasura says when a handler answers HTTP 4xx without the key that Hasura's documentation asks for, in two generations. */
const unreadHandler = /^(?:webhook response: |the key 'message' was not present$|key "message" not (?:present|found)$)/

/** The document has an argument, a selection or the type of a variable that the schema doesn't have there. */
const unfit =
  /^(?:['"]\w+['"] has no argument named ['"]\w+['"]|missing selection set for ['"]\w+['"]|unexpected subselection set for non-object field|variable ['"]\w+['"] is declared as ['"][\w![\]]+['"], but used where ['"][\w![\]]+['"] is expected)$/

/** Hasura's own words about a whole request, in whole sentences: those of a handler may quote values. */
const ownWords: ReadonlyMap<string, RegExp> = new Map([
  [
    'access-denied',
    /^(?:Your (?:requested|current) role is not in allowed roles|(?:invalid )?["/]*x-hasura-(?:admin-secret|access-key)[\w"/-]*(?: required, but not found)?|restricted access ?: admin only|You have to be an admin to access this endpoint|Authentication hook unauthorized this request|received origin header does not match configured CORS domains)$/,
  ],
  [
    'validation-failed',
    /^(?:no (?:mutations|queries|subscriptions) exist$|no such (?:operation found in the document|type exists in the schema): |query is not allowed$|null value found for non-nullable type: |expecting a value for non-nullable variable: |unexpected variables in |unbound variable |operationName cannot be used |exactly one operation has to be present |subscriptions must select )/,
  ],
])

/** Codes whose messages name only headers, roles and the shape of the token. */
const safeCodes: ReadonlySet<string> = new Set([
  'access-denied',
  'invalid-headers',
  'jwt-invalid-claims',
  'jwt-missing-role-claims',
])

/** A message about an argument or a variable may quote its value ("expected one of …, but found …"). */
function mayQuoteValue(path: string | undefined): boolean {
  return path === undefined || namesArgument(path)
}

function namesArgument(path = ''): boolean {
  return /\.(?:args|variableValues|variables)\b/.test(path)
}
