import type { Account } from '../account.ts'
import { createRequestToken } from '../auth/request-token.ts'
import { createTokenSource, type TokenSource } from '../auth/token-source.ts'
import type { Clock } from '../clock.ts'
import { createHasuraClient, type HasuraClient } from '../hasura/hasura-client.ts'

/** An account with its one token source: all its runs in this process share the token. */
export interface AccountAccess {
  readonly account: Account
  readonly tokens: TokenSource
  /** A client that speaks to the account's Hasura as `role`, and as no other. */
  hasura(url: string, role: string): HasuraClient
  /** Lets one run at a time work on the account's first login. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
}

export function createAccountAccess(
  account: Account,
  deps: { readonly clock: Clock; readonly readSecretFile: (path: string) => Promise<string> },
): AccountAccess {
  const { clock } = deps
  const tokens = createTokenSource({ requestToken: createRequestToken(account.login, deps), clock })
  let turn: Promise<unknown> = Promise.resolve()
  return {
    account,
    tokens,
    hasura: (url, role) => createHasuraClient({ url, role, tokens, clock }),
    inTurn(work) {
      const mine = turn.then(work, work)
      turn = mine.catch(() => {})
      return mine
    },
  }
}
