import { type RawBuilder, sql } from 'kysely'
import type { AccountAccess } from '../gate/account-access.ts'
import type { OperationDeps } from './operation.ts'

/** A caller as it is stored with requests, and as accounts name it: `http:<client>/<subject>`, each percent-encoded. */
export function nameCaller({
  client = '',
  subject = '',
}: {
  readonly client: string | undefined
  readonly subject: string | undefined
}): string {
  return `http:${encodeURIComponent(client)}/${encodeURIComponent(subject)}`
}

/**
 * What an operation works with for a caller. Accounts of others don't exist for any operation.
 *
 * @param caller `http:<client>/<subject>`; undefined for one who may use everything
 */
export function narrowTo(app: Omit<OperationDeps, 'only'>, caller: string | undefined): OperationDeps {
  const only = caller === undefined ? undefined : findAccounts(app.deps.accounts, caller)
  if (!only) return { ...app, only }
  const accounts = new Map([...app.deps.accounts].filter(([name]) => only.includes(name)))
  return { ...app, only, deps: { ...app.deps, accounts } }
}

/**
 * A caller that an account names may use only the accounts that name it. An account that names callers is only for them.
 *
 * @returns undefined if no account names any caller
 */
function findAccounts(accounts: ReadonlyMap<string, AccountAccess>, caller: string): readonly string[] | undefined {
  const all = [...accounts.values()].map(({ account }) => account)
  if (all.every(({ callers }) => callers === undefined)) return undefined
  const own = all.filter(({ callers }) => callers?.some(named => isCaller(named, caller)))
  const open = own.length > 0 ? own : all.filter(({ callers }) => callers === undefined)
  return open.map(({ name }) => name)
}

/** @param named `<client>`, with any subject, or `<client>/<subject>` */
function isCaller(named: string, caller: string): boolean {
  return named.includes('/') ? caller === `http:${named}` : caller.startsWith(`http:${named}/`)
}

/** Whether a row's account is one of the caller's. */
export function isOwn(column: RawBuilder<unknown>, { only }: Pick<OperationDeps, 'only'>): RawBuilder<boolean> {
  return only === undefined ? sql`true` : sql`${column} = any(${only}::text[])`
}
