import { PermanentError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { HasuraError } from './hasura-error.ts'

/**
 * What an error of Hasura means that no retry fixes. The PermanentError's code is Hasura's; `operation-refused` if the operation doesn't
 * fit the role's schema or isn't on the allow list; `handler-refused` if it is `access-denied` in the words of an action's handler.
 */
export function explainPermanent(error: HasuraError, role: string): PermanentError {
  return new PermanentError(codeOf(error), explain(error, role))
}

/** A refused operation and a denied role hold the job, unlike what is about one request. */
function codeOf({ code, isOperationRefused, isByHandler }: HasuraError): string {
  if (isOperationRefused) return 'operation-refused'
  return isByHandler && code === 'access-denied' ? 'handler-refused' : code
}

/** `code at path (message)`; the message only if it can't hold a value. */
export function describeError({ code, path, safeMessage }: HasuraError): string {
  const at = path === undefined ? '' : ` at ${path}`
  return safeMessage === undefined ? `${code}${at}` : `${code}${at} (${safeMessage})`
}

function explain(error: HasuraError, role: string): Explanation {
  const found = `Hasura refused the operation as role "${role}": ${describeError(error)}`
  if (error.isNotAllowed) {
    return {
      found,
      remedy:
        'add the output of "npm run -s cli -- schema operations" to the allow list of the API (Console → API → Allow List)',
    }
  }
  if (error.isFieldNotFound || error.isOperationRefused) {
    return {
      found,
      remedy: `reload the metadata if Hasura shows inconsistent objects (Console → Settings → Metadata Status); otherwise the schema changed, or role "${role}" may not see it`,
    }
  }
  return { found, remedy: error.isByHandler ? handlerRemedy : remedies.get(error.code) }
}

const handlerRemedy =
  "find the reason in the log of the action's handler, or of the handler that validates the input of the table"

/** The worker finds the claims before it sends a request. */
const otherPlace =
  'copy claims_namespace, claims_namespace_path, claims_format and claims_map of HASURA_GRAPHQL_JWT_SECRET into HASURA_CLAIMS_…, because Hasura looks for its claims elsewhere than this worker, which found them (docs/authentication.md, Custom claims)'

const apiLimitRemedy =
  'select fewer or shallower fields, or raise the limit of the role (Console → Security → API Limits)'

const remedies: ReadonlyMap<string, string> = new Map([
  [
    'constraint-violation',
    'find the values in the log of Hasura or Postgres, because a row violated a constraint of its table',
  ],
  ['constraint-error', 'check the constraint that the operation names, because it does not exist or does not match'],
  [
    'not-supported',
    "change the operation, because the API's database or its version has no such feature; Hasura's log names it",
  ],
  ['bad-request', 'correct the variables, such as a pattern of _like that ends with a backslash'],
  ['depth-limit-exceeded', apiLimitRemedy],
  ['node-limit-exceeded', apiLimitRemedy],
  [
    'data-exception',
    'find the value in the log of Hasura or Postgres, because Postgres rejected it: a variable, such as a cursor whose column has got another type (npm run -s cli -- schema check), or a session variable of the token that a permission compares, such as an empty x-hasura-user-id',
  ],
  ['permission-error', "compare the rows with the check of the role's permission, because a row did not pass it"],
  [
    'parse-failed',
    'correct the variables, because Hasura could not parse a value or the request; type Int accepts no number above 2147483647',
  ],
  ['access-denied', 'check that the role is among x-hasura-allowed-roles of the token'],
  ['jwt-missing-role-claims', otherPlace],
  ['jwt-invalid-claims', otherPlace],
])
