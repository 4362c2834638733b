import type { Account } from '../account.ts'
import type { Claims } from '../auth/claims.ts'
import { RefusalError } from '../errors.ts'
import type { FirstLoginState } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

export interface AccountRecord {
  readonly name: string
  readonly firstLogin: FirstLoginState
}

/**
 * What is remembered of an account, made at its first token. Its fingerprint is issuer, subject and endpoint: under the same
 * name another service account or another API must not go on from these checkpoints.
 *
 * @throws RefusalError (`fingerprint`) when the name meant something else before
 */
export async function ensureAccountRecord(store: Store, account: Account, claims: Claims): Promise<AccountRecord> {
  const endpoint = account.hasura?.url ?? ''
  const { issuer, subject } = claims
  await store
    .insertInto('worker.accounts')
    .values({ name: account.name, issuer, subject, endpoint })
    .onConflict(conflict => conflict.doNothing())
    .execute()
  const row = await store
    .selectFrom('worker.accounts')
    .select(['issuer', 'subject', 'endpoint', 'first_login'])
    .where('name', '=', account.name)
    .executeTakeFirstOrThrow()
  const change = describeChange(row, { issuer, subject, endpoint })
  if (change) {
    throw new RefusalError('fingerprint', 'account', {
      found: `Account "${account.name}" had ${change}`,
      remedy: `give the other one a name of its own, or run "forget ${account.name}" to drop what was synced and start anew`,
    })
  }
  return { name: account.name, firstLogin: row.first_login }
}

type Fingerprint = Record<'issuer' | 'subject' | 'endpoint', string>

function describeChange(before: Fingerprint, now: Fingerprint): string | undefined {
  for (const part of ['issuer', 'subject', 'endpoint'] as const) {
    if (before[part] !== now[part]) return `${part} ${before[part] || 'none'} until now and has ${now[part] || 'none'}`
  }
  return undefined
}
