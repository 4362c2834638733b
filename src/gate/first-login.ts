import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { DocumentNode } from 'graphql'
import { OutageError, PermanentError, RefusalError, UnknownOutcomeError, WorkerError } from '../errors.ts'
import { causedBy } from '../explanation.ts'
import type { HasuraClient } from '../hasura/hasura-client.ts'
import type { Log } from '../log.ts'
import type { FirstLoginState } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { claimFirstLogin, findFirstLogin, settleFirstLogin } from './first-login-record.ts'

/**
 * How a new account's user becomes known to the application, by typed operations of the project.
 *
 * @example
 * import type { FirstLoginDefinition } from 'hasura-sync-worker'
 * import { RefreshUsersDocument } from '../generated/graphql.ts'
 *
 * export const firstLogin: FirstLoginDefinition = { refreshUsers: RefreshUsersDocument }
 */
export interface FirstLoginDefinition {
  readonly refreshUsers: TypedDocumentNode<unknown, Record<string, never>>
  /** Checks whether the user is visible; without it this step is skipped. */
  isVisible?(hasura: HasuraClient, userId: string, signal: AbortSignal): Promise<boolean>
  /** The operations that `isVisible` sends, for an API with an allow list. */
  readonly operations?: readonly DocumentNode[]
}

export interface FirstLoginDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly process: { readonly id: string }
  readonly firstLogin: FirstLoginDefinition | undefined
}

/** How long a user may take to become visible after `refresh_users`, in milliseconds. */
const visibleWithinMs = 60_000

/**
 * `pending → calling → called → visible`. A process records `calling` before it calls, so that after a crash the next one checks whether
 * the user is visible before it calls again. Only one living process calls; the others wait.
 *
 * @throws RefusalError (`first-login`) when the user can't be made visible, OutageError when the API can't be reached
 */
export async function ensureFirstLogin(
  deps: FirstLoginDeps,
  account: string,
  user: { readonly hasura: HasuraClient; readonly userId: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = deps
  const processId = deps.process.id
  const deadline = clock.elapsed() + visibleWithinMs
  for (let pause = 250; ; pause = Math.min(pause * 2, 4_000)) {
    const state = await findFirstLogin(store, account)
    if (state === 'visible') return
    const before = await claimFirstLogin(store, account, processId)
    if (before) {
      await callAndWait(deps, account, user, before, deadline, signal)
      return
    }
    if (clock.elapsed() > deadline) {
      throw new OutageError('first-login', 'account', `Another process is making the first login of "${account}"`)
    }
    await clock.sleep(pause, signal)
  }
}

async function callAndWait(
  deps: FirstLoginDeps,
  account: string,
  user: { readonly hasura: HasuraClient; readonly userId: string | undefined },
  before: FirstLoginState,
  deadline: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock, firstLogin, log } = deps
  const { hasura } = user
  // The last certain state, from which the next attempt resumes.
  let state = before
  try {
    if (!firstLogin) return await settleFirstLogin(deps, account, 'visible', 'no refresh_users operation is configured')
    const look = createLook(firstLogin, user)
    let note: string | null = null
    // `calling` means that a process got no response: the call may have been executed.
    if (state === 'calling' && (await look(signal)) === true) state = 'called'
    if (state !== 'called') {
      log.info({ role: hasura.role }, 'first login: calling refresh_users')
      state = 'calling'
      const refusal = await callRefreshUsers(firstLogin, hasura, look, signal)
      if (refusal) {
        state = 'pending'
        note = await explainNotCalled(refusal, hasura, look, signal)
      }
      state = 'called'
      await settleFirstLogin(deps, account, state, note, { keep: true })
    }
    for (let pause = 250; (await look(signal)) === false; pause = Math.min(pause * 2, 4_000)) {
      if (clock.elapsed() > deadline) {
        // A user that never became visible may need another call, which is idempotent.
        state = 'pending'
        throw neverVisible(account, user.userId)
      }
      await clock.sleep(pause, signal)
    }
    await settleFirstLogin(deps, account, 'visible', note)
  } catch (error) {
    await settleFirstLogin(deps, account, state, null)
    throw error
  }
  log.info('first login: the user is visible')
}

/** `undefined` when visibility can't be checked. */
type Look = (signal: AbortSignal) => Promise<boolean | undefined>

/** @throws RefusalError (`user-id`) when visibility must be checked and the token has no user id */
function createLook(
  firstLogin: FirstLoginDefinition,
  { hasura, userId }: { readonly hasura: HasuraClient; readonly userId: string | undefined },
): Look {
  if (!firstLogin.isVisible) return async () => undefined
  if (!userId) {
    throw new RefusalError('user-id', 'account', {
      found: 'The token has no x-hasura-user-id, which the first login needs to check that the user is visible',
      remedy: 'add the mapper to the "hasura" client scope',
    })
  }
  return async signal => {
    try {
      return await firstLogin.isVisible?.(hasura, userId, signal)
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error
      throw new RefusalError(
        'first-login',
        'account',
        {
          found: `Role "${hasura.role}" can't query whether the account's user is visible (${error.found})`,
          remedy: 'set REFRESH_ROLE to a role that may',
        },
        { cause: error },
      )
    }
  }
}

/**
 * @returns why Hasura did not execute the call, or undefined when it did
 * @throws OutageError when that is unknown and the user isn't visible; what prevented the call from being sent
 */
async function callRefreshUsers(
  firstLogin: FirstLoginDefinition,
  hasura: HasuraClient,
  look: Look,
  signal: AbortSignal,
): Promise<WorkerError | undefined> {
  try {
    await hasura.mutate(firstLogin.refreshUsers, {}, { signal })
    return undefined
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    if (!(error instanceof UnknownOutcomeError)) return error
    if ((await look(signal)) === true) return undefined
    throw new OutageError(
      'first-login',
      'account',
      causedBy('it is unknown whether refresh_users was executed', error),
      { cause: error },
    )
  }
}

/**
 * To a role without the permission Hasura says that the mutation doesn't exist; the user may be visible anyway.
 *
 * @returns a note for the operator when the call was impossible but isn't needed
 */
async function explainNotCalled(
  error: WorkerError,
  hasura: HasuraClient,
  look: Look,
  signal: AbortSignal,
): Promise<string> {
  if (!(error instanceof PermanentError)) throw error
  if ((await look(signal)) === true) return `refresh_users was refused (${error.found}), but the user is visible`
  throw new RefusalError(
    'first-login',
    'account',
    {
      found: `refresh_users was refused for role "${hasura.role}" and the user is not visible (${error.found})`,
      remedy: 'set REFRESH_ROLE to a role that may call refresh_users',
    },
    { cause: error },
  )
}

function neverVisible(account: string, userId: string | undefined): RefusalError {
  return new RefusalError('first-login', 'account', {
    found: `The user ${userId} of account "${account}" was not visible ${visibleWithinMs / 1000} s after refresh_users`,
    remedy: 'check that its email is set and verified, and that it is in a group of the application',
  })
}
