import type { Account } from '../account.ts'
import { UsageError } from '../errors.ts'
import { type AccountAccess, createAccountAccess } from '../gate/account-access.ts'
import { requireGranted } from '../gate/session.ts'
import { introspectSchema } from '../hasura/introspect-schema.ts'
import { findRoleProblem } from '../hasura/role-name.ts'
import type { SpelledSchema } from '../hasura/spell-schema.ts'
import { byName, getNamed } from '../names/find-named.ts'
import type { CommandContext } from './command.ts'

/** An account with access to its Hasura. */
export interface HasuraAccess {
  readonly account: Account
  readonly access: AccountAccess
  readonly url: string
}

/** @param name of the account; default: the first one */
export function openHasuraAccess({ config, host }: CommandContext, name: string | undefined): HasuraAccess {
  const account = getNamed('account', byName(config.accounts), name ?? config.accounts[0]?.name ?? '')
  if (!account.hasura)
    throw new UsageError({ found: `Account "${account.name}" has no Hasura endpoint`, remedy: 'set HASURA_URL' })
  return { account, access: createAccountAccess(account, host), url: account.hasura.url }
}

/** Introspects the schema as a role that the account has. */
export async function introspectAs(
  { access, url }: HasuraAccess,
  role: string,
  signal: AbortSignal,
): Promise<SpelledSchema> {
  const problem = findRoleProblem(role)
  if (problem) throw new UsageError(problem)
  await requireGranted(access, { role }, signal)
  return introspectSchema(access.hasura(url, role), signal)
}

/** The role that Hasura uses when a request names none. */
export async function findDefaultRole({ access }: HasuraAccess, signal: AbortSignal): Promise<string> {
  const { hasura } = await requireGranted(access, undefined, signal)
  if (!hasura) throw new TypeError('an account with an endpoint has Hasura claims')
  return hasura.defaultRole
}
