import type { Account } from '../account.ts'
import type { Claims } from '../auth/claims.ts'
import { RefusalError } from '../errors.ts'
import { accountRows } from '../store/account-rows.ts'
import type { FirstLoginState } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

export const accountRecordRows = accountRows('worker.accounts', 'name')

/** What the store knows of an account. Its fingerprint is issuer, subject and endpoint. */
export interface KnownAccount extends Fingerprint {
  readonly firstLogin: FirstLoginState
}

export type Transact = <T>(work: (tx: Store) => Promise<T>) => Promise<T>

/**
 * Creates an account's record at its first token. Another service account or API under the same name must not continue from its
 * checkpoints.
 *
 * @param transact a transaction of the run, which writes nothing once another run has taken over its lease
 * @param known as it was read with the claim; null when there was none
 * @returns how far the first login has come
 * @throws RefusalError (`fingerprint`) when the name meant something else before
 */
export async function ensureAccountRecord(
  transact: Transact,
  account: Account,
  { issuer, subject }: Claims,
  known: KnownAccount | null,
): Promise<FirstLoginState> {
  const now = { issuer, subject, endpoint: account.hasura?.url ?? '' }
  const before = known ?? (await transact(tx => recordAccount(tx, account.name, now)))
  const change = describeChange(before, now)
  if (change) {
    throw new RefusalError('fingerprint', 'account', {
      found: `Account "${account.name}" had ${change}`,
      remedy: `give the new one a name of its own, or run "npm run -s cli -- forget ${account.name} --configured" to delete what was synced and start again`,
    })
  }
  return before.firstLogin
}

async function recordAccount(store: Store, name: string, fingerprint: Fingerprint): Promise<KnownAccount> {
  await store
    .insertInto('worker.accounts')
    .values({ name, ...fingerprint })
    .onConflict(conflict => conflict.doNothing())
    .execute()
  return store
    .selectFrom('worker.accounts')
    .select(['issuer', 'subject', 'endpoint', 'first_login as firstLogin'])
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
}

type Fingerprint = Readonly<Record<'issuer' | 'subject' | 'endpoint', string>>

function describeChange(before: Fingerprint, now: Fingerprint): string | undefined {
  for (const part of ['issuer', 'subject', 'endpoint'] as const) {
    if (before[part] === now[part] || (part === 'endpoint' && isSameUrl(before[part], now[part]))) continue
    return `${part} ${before[part] || 'none'} before and has ${now[part] || 'none'} now`
  }
  return undefined
}

/** Whether they differ only in spelling, such as the case of the host or a default port. */
function isSameUrl(one: string, other: string): boolean {
  const url = URL.parse(one)
  return url !== null && url.href === URL.parse(other)?.href
}
