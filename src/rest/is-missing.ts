import { PermanentError } from '../errors.ts'
import type { RestApi } from './rest-api.ts'

/**
 * Whether the API answers 404 or 410 for this path. The content of other responses is ignored, so an empty one is fine.
 *
 * @throws what `RestApi.fetch` throws for every other refusal or failure, because those don't show whether it exists
 * @example
 * import { isMissing, type Session } from 'hasura-sync-worker'
 *
 * export const isOrderGone = ({ api }: Session, id: string, signal: AbortSignal) =>
 *   isMissing(api, `/orders/${encodeURIComponent(id)}`, signal)
 */
export async function isMissing(api: RestApi, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    await api.fetch(path, { signal })
    return false
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}

/**
 * Whether an error means that the object doesn't exist: 404 or 410.
 *
 * @example
 * import { isNotFound } from 'hasura-sync-worker'
 *
 * export const findOr = <T>(work: Promise<T>, otherwise: T): Promise<T> =>
 *   work.catch(error => {
 *     if (isNotFound(error)) return otherwise
 *     throw error
 *   })
 */
export function isNotFound(error: unknown): boolean {
  return error instanceof PermanentError && (error.code === 'not-found' || error.code === 'http-410')
}
