import { createHash } from 'node:crypto'
import { ConflictError, UsageError } from '../errors.ts'
import { canonicalJson } from '../queue/request.ts'
import type { AcceptedRequest } from '../queue/request-queue.ts'
import type { Store } from '../store/store.ts'

export interface IdempotencyKey {
  readonly account: string
  readonly job: string
  /** As the producer gave it (IETF draft "The Idempotency-Key HTTP Header Field"). */
  readonly key: string
  readonly payload: unknown
}

/**
 * A key is the same whether it comes as an argument or in a header, where other characters have no agreed bytes.
 *
 * @throws UsageError
 */
export function requireKey(key: string): void {
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return
  throw new UsageError({
    found: `An idempotency key of ${key.length} characters can't be sent in a header`,
    remedy: 'give 1 to 255 printable ASCII characters',
  })
}

/**
 * Makes a request once per key, however often its producer asks. The key is remembered in the store, because the request may
 * have been absorbed by an equal one, whose id says nothing of the key.
 *
 * @throws UsageError, ConflictError when the key was used with another payload
 */
export async function makeOnce(
  store: Store,
  wanted: IdempotencyKey,
  make: () => Promise<AcceptedRequest>,
): Promise<AcceptedRequest> {
  requireKey(wanted.key)
  const known = await find(store, wanted)
  if (known) return known
  const made = await make()
  const { account, job, key } = wanted
  const noted = await store
    .insertInto('worker.idempotency_keys')
    .values({ account, job, key, payload_hash: hash(wanted.payload), request_id: made.id })
    .onConflict(conflict => conflict.doNothing())
    .executeTakeFirst()
  // Of two calls at once with one key the later one gets what the earlier one made.
  return noted.numInsertedOrUpdatedRows === 0n ? ((await find(store, wanted)) ?? made) : made
}

async function find(
  store: Store,
  { account, job, key, payload }: IdempotencyKey,
): Promise<AcceptedRequest | undefined> {
  const row = await store
    .selectFrom('worker.idempotency_keys')
    .select(['request_id', 'payload_hash'])
    .where('account', '=', account)
    .where('job', '=', job)
    .where('key', '=', key)
    .executeTakeFirst()
  if (!row) return undefined
  if (row.payload_hash !== hash(payload)) {
    throw new ConflictError({
      found: `Idempotency key "${key}" was used for ${job} with another payload`,
      remedy: 'give each request its own key',
    })
  }
  return { id: row.request_id, absorbed: true }
}

function hash(payload: unknown): string {
  return createHash('sha256').update(canonicalJson(payload)).digest('hex')
}
