import { WorkerError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { Fingerprint } from '../gate/account-record.ts'
import type { FirstLoginDefinition } from '../gate/first-login.ts'
import type { HasuraClient } from '../hasura/hasura-client.ts'
import { type Finding, fail, failWith, ok, skip, warn } from './check.ts'

/** The state of the first login in the store. */
export interface FirstLoginRecord {
  readonly state: string
  /** Why it is held, if it is. */
  readonly hold?: Explanation
  /** Which account it was; unknown on the embedded store. */
  readonly fingerprint?: Fingerprint
}

/**
 * Never calls `refresh_users`: the first run does. After the first login, checks that the application still shows the user.
 *
 * @param record undefined when the store can't be read
 */
export async function inspectFirstLogin(
  record: FirstLoginRecord | undefined,
  firstLogin: FirstLoginDefinition | undefined,
  user: { readonly hasura: HasuraClient; readonly userId: string | undefined },
  signal: AbortSignal,
): Promise<Finding> {
  if (!firstLogin && (!record || (record.state === 'pending' && record.hold === undefined))) return skip(noFirstLogin)
  if (!record) return skip('its state is in the store, which could not be read')
  if (record.hold !== undefined) return failWith(record.hold, groupHint)
  if (record.state === 'pending') {
    return warn(
      'no job has logged in with the account yet',
      'run "npm run -s cli -- bootstrap", which calls refresh_users and waits for the user',
    )
  }
  if (record.state === 'calling') {
    return warn(
      'refresh_users was called, but its response was not received',
      'the next run checks the user and resumes',
    )
  }
  const { userId } = user
  if (!firstLogin?.isVisible || !userId) {
    return record.state === 'visible'
      ? ok('the first login was made')
      : warn('refresh_users was called', 'the next run resumes it; if this persists, run "npm run -s cli -- holds"')
  }
  try {
    if (await firstLogin.isVisible(user.hasura, userId, signal)) return ok('the user is visible in the application')
    return fail(`the first login was made, but the application does not show the user ${userId}`, groupHint)
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    return warn(
      `role "${user.hasura.role}" can't query whether the user is visible (${error.code})`,
      'set REFRESH_ROLE to a role that may read the user',
    )
  }
}

const noFirstLogin = 'src/jobs/first-login.ts defines no first login'

const groupHint = `check that the email is set and verified (Clients → the client → Service account roles → its user → Details) and that the user is in a group that the application knows (→ Groups), then repeat the first login: set first_login to 'pending' in the account's row in worker.accounts, which keeps what was synced; or, on the embedded store, run "npm run -s cli -- forget ACCOUNT --configured" and "npm run -s cli -- bootstrap"`
