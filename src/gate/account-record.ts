import type { Account } from '../account.ts'
import type { Claims } from '../auth/claims.ts'
import { RefusalError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
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
  claims: Claims,
  known: KnownAccount | null,
): Promise<FirstLoginState> {
  const now = fingerprintOf(account, claims)
  const before = known ?? (await transact(tx => recordAccount(tx, account.name, now)))
  const other = explainOtherFingerprint(account.name, before, now)
  if (other) throw new RefusalError('fingerprint', 'account', other)
  return before.firstLogin
}

/** @returns what to do when an account's name means something else now; undefined when it means the same */
export function explainOtherFingerprint(name: string, before: Fingerprint, now: Fingerprint): Explanation | undefined {
  const changed = fingerprintParts.find(part => !isSame(part, before, now))
  if (!changed) return undefined
  const [former, own] = [before[changed] || 'none', now[changed] || 'none']
  const remedies = [
    `if another worker with the former ${changed} uses this store too, such as that of another environment, give each a DATABASE_URL of its own`,
    ...(hasMoved(changed, before, now)
      ? [
          `if only the address has changed, write it into the column ${changed} of the account's row in worker.accounts, which keeps what was synced`,
        ]
      : []),
    `otherwise give the new one a name of its own, or run "npm run -s cli -- forget ${name} --configured" to delete what was synced and start again`,
  ]
  return { found: `Account "${name}" had ${changed} ${former} before and has ${own} now`, remedy: remedies.join('; ') }
}

export function fingerprintOf(account: Account, { issuer, subject }: Claims): Fingerprint {
  return { issuer, subject, endpoint: account.hasura?.url ?? '' }
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

export type Fingerprint = Readonly<Record<FingerprintPart, string>>

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
