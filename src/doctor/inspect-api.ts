import { OutageError, PermanentError, WorkerError } from '../errors.ts'
import type { RestApi } from '../rest/rest-api.ts'
import { type Finding, fail, failWith, ok, warn } from './check.ts'

/**
 * Whether the REST API takes the token: `/me` is asked for, as many APIs have it, and else the base URL itself. Nothing of the
 * answer is read.
 */
export async function inspectApi(api: RestApi, baseUrl: string, signal: AbortSignal): Promise<Finding> {
  for (const path of ['/me', '/']) {
    try {
      await api.fetch(path, { signal })
      if (path === '/me') return ok(`${baseUrl} knows the client (GET /me)`)
      return ok(
        `${baseUrl} answers (GET /), as it may without a token too, so whether it takes this one is seen in a run`,
      )
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error
      const finding = explain(error, path)
      if (finding) return finding
    }
  }
  return warn(
    `${baseUrl} answers, but has neither /me nor anything at its base (HTTP 404), so whether it takes the token isn't known`,
    'check API_BASE_URL against the documentation of the API; a run tells for sure',
  )
}

/** @returns undefined when there is nothing at the path, and another one may tell more */
function explain(error: WorkerError, path: string): Finding | undefined {
  if (error.code === 'not-found' || error.code === 'http-405') return undefined
  if (error instanceof PermanentError && error.code === 'forbidden') {
    return fail(
      `the API refuses the client (GET ${path}: HTTP 403)`,
      'ask its operator whether this client id is registered and enabled there, and which roles or scopes it needs',
    )
  }
  const otherwise = error instanceof OutageError ? 'check API_BASE_URL' : 'ask the operator of the API'
  return failWith(error, otherwise)
}
