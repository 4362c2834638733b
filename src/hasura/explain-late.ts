import { parse } from 'graphql'
import { OutageError, TransientError } from '../errors.ts'
import type { Sendable } from './send-document.ts'

/** Reads no table, so that Hasura answers it even while its database is busy. An allow list refuses it, which is an answer too. */
const ping: Sendable = { document: parse('query { __typename }'), variables: {} }

/** How soon Hasura answers that query, in milliseconds. A query with a shorter limit may be late although Hasura is up. */
export const pingTimeoutMs = 5_000

/**
 * What it means that a query had no answer in time: the query is slow, and fewer rows may help; or Hasura answers nobody, although it
 * accepts connections, and others need the run's slot.
 *
 * @param ask sends the operation, with `pingTimeoutMs` as its limit
 * @returns OutageError (`network`) if Hasura answers nothing at all, otherwise the failure as it was, or what else ended the second query,
 *   such as the signal's reason
 */
export async function explainLate(error: unknown, ask: (operation: Sendable) => Promise<unknown>): Promise<unknown> {
  if (!isLate(error)) return error
  try {
    await ask(ping)
    return error
  } catch (silence) {
    if (!isLate(silence)) return silence
    return new OutageError('network', 'account', {
      found: 'No response from Hasura in time, not even to a query that reads nothing',
      remedy: 'check that Hasura, its database and the proxies on the way respond',
    })
  }
}

function isLate(error: unknown): boolean {
  return error instanceof TransientError && error.code === 'timeout'
}
