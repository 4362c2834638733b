import { ClientError } from './client-error.ts'
import { isObject } from './read-body.ts'
import type { Surroundings } from './surroundings.ts'

/** The latest change of one row of a mirror table. */
export interface Change {
  /** Its place among the table's changes: pass it as `after` to resume after it. */
  readonly position: string
  /** `delete` keeps the row in the mirror, marked. */
  readonly op: 'upsert' | 'delete'
  readonly account: string
  /** The values of the key's columns, as Postgres writes them. */
  readonly key: Readonly<Record<string, string>>
}

export interface ChangesOptions {
  /** The position of the last handled change; default: every row once. */
  readonly after?: string
  /** Only changes of this account. */
  readonly account?: string
  /** False ends after the last existing change; default true: wait for more. */
  readonly follow?: boolean
  /** The pause between polls while there is nothing new, in milliseconds; default 2,000. */
  readonly pollMs?: number
  readonly signal?: AbortSignal
}

/** Requests one page of changes. */
export type AskForChanges = (query: URLSearchParams, signal: AbortSignal | undefined) => Promise<unknown>

const pageSize = 1_000

/** @throws ClientError `unavailable` when a response is not a page of changes */
export async function* readChanges(
  { sleep }: Pick<Surroundings, 'sleep'>,
  ask: AskForChanges,
  table: string,
  { after = '0', account, follow = true, pollMs = 2_000, signal }: ChangesOptions = {},
): AsyncGenerator<Change, void, undefined> {
  const never = new AbortController().signal
  for (let position = after; ; ) {
    const query = new URLSearchParams({ table, after: position, limit: String(pageSize) })
    if (account !== undefined) query.set('account', account)
    const page = parsePage(await ask(query, signal))
    if (page.changes.length > 0 && page.position === position) throw unreadable()
    for (const change of page.changes) {
      signal?.throwIfAborted()
      yield change
    }
    // When this page was made, the next position was after all of its changes.
    position = page.position
    if (page.changes.length === pageSize) continue
    if (!follow) return
    await sleep(pollMs, signal ?? never)
  }
}

function parsePage(body: unknown): { readonly changes: readonly Change[]; readonly position: string } {
  if (isObject(body) && typeof body.position === 'string' && Array.isArray(body.changes)) {
    const { changes, position } = body
    if (changes.every(isChange)) return { changes, position }
  }
  throw unreadable()
}

function isChange(value: unknown): value is Change {
  return (
    isObject(value) &&
    typeof value.position === 'string' &&
    (value.op === 'upsert' || value.op === 'delete') &&
    typeof value.account === 'string' &&
    isObject(value.key)
  )
}

function unreadable(): ClientError {
  return new ClientError('unavailable', 'The worker did not answer with a page of changes: check the URL')
}
