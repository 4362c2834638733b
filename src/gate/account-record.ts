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
  const changed = fingerprintParts.find(part => !isSame(part, before, now))
  if (changed) {
    const startAgain = `give the new one a name of its own, or run "npm run -s cli -- forget ${account.name} --configured" to delete what was synced and start again`
    throw new RefusalError('fingerprint', 'account', {
      found: `Account "${account.name}" had ${changed} ${before[changed] || 'none'} before and has ${now[changed] || 'none'} now`,
      remedy: hasMoved(changed, before, now)
        ? `if only the address has changed, write it into the column ${changed} of the account's row in worker.accounts, which keeps what was synced; otherwise ${startAgain}`
        : startAgain,
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

const fingerprintParts = ['issuer', 'subject', 'endpoint'] as const

type FingerprintPart = (typeof fingerprintParts)[number]

type Fingerprint = Readonly<Record<FingerprintPart, string>>

function isSame(part: FingerprintPart, before: Fingerprint, now: Fingerprint): boolean {
  return before[part] === now[part] || (part === 'endpoint' && isSameUrl(before[part], now[part]))
}

/** Whether it may be the same one at another address: then its users are the same. */
function hasMoved(part: FingerprintPart, before: Fingerprint, now: Fingerprint): boolean {
  return before.subject === now.subject && before[part] !== '' && now[part] !== ''
}

/** Whether they differ only in spelling, such as the case of the host or a default port. */
function isSameUrl(one: string, other: string): boolean {
  const url = URL.parse(one)
  return url !== null && url.href === URL.parse(other)?.href
}
