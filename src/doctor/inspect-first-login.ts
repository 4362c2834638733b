import { type Explanation, WorkerError } from '../errors.ts'
import type { FirstLoginDefinition } from '../gate/first-login.ts'
import type { HasuraClient } from '../hasura/hasura-client.ts'
import { type Finding, fail, failWith, ok, skip, warn } from './check.ts'

/** How far the first login has come, as far as the store knows. */
export interface FirstLoginRecord {
  readonly state: string
  /** Why it doesn't go on, when it doesn't. */
  readonly hold?: Explanation
}

/**
 * Nothing is called here: the first run does that. Where it was done, the application is asked whether it still shows the user.
 *
 * @param record undefined where the store can't be read
 */
export async function inspectFirstLogin(
  record: FirstLoginRecord | undefined,
  firstLogin: FirstLoginDefinition | undefined,
  user: { readonly hasura: HasuraClient; readonly userId: string | undefined },
  signal: AbortSignal,
): Promise<Finding> {
  if (!firstLogin && (!record || (record.state === 'pending' && record.hold === undefined))) return skip(noFirstLogin)
  if (!record) return skip('how far it has come is in the store, which could not be read')
  if (record.hold !== undefined) return failWith(record.hold, groupHint)
  if (record.state === 'pending') {
    return warn(
      'the account has not logged in for a job yet',
      'run "bootstrap": it calls refresh_users and waits for the user',
    )
  }
  if (record.state === 'calling') {
    return warn('refresh_users was called and its answer was not seen', 'the next run checks the user, and resumes')
  }
  const { userId } = user
  if (!firstLogin?.isVisible || !userId) {
    return record.state === 'visible'
      ? ok('the first login was made')
      : warn('refresh_users was called', 'the next run resumes it; if it stays so, see npm run -s cli -- holds')
  }
  try {
    if (await firstLogin.isVisible(user.hasura, userId, signal)) return ok('the user is visible in the application')
    return fail(`the first login was made, but the application does not show the user ${userId}`, groupHint)
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    return warn(
      `whether the user is visible can't be seen as role "${user.hasura.role}" (${error.code})`,
      'set REFRESH_ROLE to a role that may read it',
    )
  }
}

const noFirstLogin = 'src/jobs/first-login.ts has none to make'

const groupHint =
  'check that the email is set and verified (Clients → the client → Service account roles → its user → Details) and that the user is in a group that the application knows (→ Groups); "forget --configured" and "bootstrap" make the first login anew'
