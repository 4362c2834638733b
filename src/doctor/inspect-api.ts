import { OutageError, PermanentError, WorkerError } from '../errors.ts'
import type { RestApi } from '../rest/rest-api.ts'
import { type Finding, fail, failWith, ok, warn } from './check.ts'

/**
 * Checks whether the REST API accepts the token, by `GET /me`, which many APIs have, and otherwise by the base URL. The response body
 * isn't read.
 */
export async function inspectApi(api: RestApi, baseUrl: string, signal: AbortSignal): Promise<Finding> {
  for (const path of ['/me', '/']) {
    try {
      await api.fetch(path, { signal })
      if (path === '/me') return ok(`${baseUrl} knows the client (GET /me)`)
      return ok(`${baseUrl} answers (GET /), perhaps without checking the token; a run shows whether it accepts it`)
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error
      const finding = explain(error, path)
      if (finding) return finding
    }
  }
  return warn(
    `${baseUrl} answers HTTP 404 for both /me and its base, so whether it accepts the token is unknown`,
    'check API_BASE_URL against the documentation of the API; a run shows whether the token is accepted',
  )
}

/** @returns undefined when the path doesn't exist, and another one may tell more */
function explain(error: WorkerError, path: string): Finding | undefined {
  // A 404 with a web page is an OutageError.
  if (error.code === 'not-found' || error.code === 'http-404' || error.code === 'http-405') return undefined
  if (error instanceof PermanentError && error.code === 'forbidden') {
    return fail(
      `the API refuses the client (GET ${path}: HTTP 403)`,
      'ask the operator of the API whether this client id is registered and enabled, and which roles or scopes it needs',
    )
  }
  const otherwise = error instanceof OutageError ? 'check API_BASE_URL' : 'ask the operator of the API'
  return failWith(error, otherwise)
}
