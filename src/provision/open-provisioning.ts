import type { Account, Login, Requirement } from '../account.ts'
import { decodeClaims } from '../auth/claims.ts'
import { isLightweight } from '../auth/lightweight-token.ts'
import type { ReadSecretFile } from '../auth/read-credential-file.ts'
import { createRequestToken } from '../auth/request-token.ts'
import { WorkerError } from '../errors.ts'
import type { Clock } from '../time/clock.ts'
import { type AdminLogin, openAdminAccess } from './admin-login.ts'
import { applyStep } from './apply-step.ts'
import { explainAdminRefusal } from './explain-admin-refusal.ts'
import { findApplication } from './find-application.ts'
import { readOwnCredential } from './own-credential.ts'
import { planProvision } from './plan-provision.ts'
import { createTarget, type ProvisionOptions } from './provision-target.ts'
import { readRealmState } from './read-realm-state.ts'
import type { ClientState } from './realm-state.ts'
import { secretExpiry } from './replace-client-secret.ts'
import type { Plan, Step } from './step.ts'

/** One account's configuration in Keycloak, as an administrator sees it. */
export interface Provisioning {
  readonly realm: string
  /**
   * Reads the current state and plans the changes; changes nothing. Rejects with RefusalError (`client-auth`) if the account's
   * own credential can't be used.
   *
   * @param rotate replaces a secret or key that is valid
   */
  plan(rotate?: boolean): Promise<Plan>
  apply(step: Step): Promise<void>
}

/** @throws ConfigError if the administrator can't log in, or the account can't be set up; OutageError */
export async function openProvisioning(
  account: Account,
  requirements: readonly (Requirement | undefined)[],
  options: ProvisionOptions,
  administrator: AdminLogin,
  deps: { readonly clock: Clock; readonly readSecretFile: ReadSecretFile },
  signal: AbortSignal,
): Promise<Provisioning> {
  const { login } = account
  const { readSecretFile } = deps
  // Before any request: what can't be set up at all.
  createTarget(account, requirements, options)
  const { admin, realm } = await openAdminAccess(administrator, login, deps, signal)
  const explained = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw explainAdminRefusal(error, realm)
    })
  const isSearched = account.hasura && !('map' in account.hasura.claims) && options.application === undefined
  const application = isSearched ? await explained(findApplication(admin, login)) : options.application
  const target = createTarget(account, requirements, { ...options, ...(application !== undefined && { application }) })
  return {
    realm,
    async plan(rotate = false) {
      const own = await readOwnCredential(login, readSecretFile)
      const state = await explained(readRealmState(admin, realm, target, own))
      const lightweight = state.client !== undefined && (await getsLightweightTokens(state.client, login, deps, signal))
      const secretExpired = state.client !== undefined && isSecretExpired(state.client, deps.clock.now())
      return planProvision({ ...state, lightweight, secretExpired }, target, own, rotate)
    },
    apply: ({ action }) => explained(applyStep(action, { admin, target, login, readSecretFile })),
  }
}

function isSecretExpired({ attributes }: ClientState, now: number): boolean {
  const expiresAt = Number(attributes[secretExpiry] ?? 0) * 1_000
  return expiresAt > 0 && expiresAt < now
}

/** By the client's own setting, or by a client policy, which this administrator only sees in the client's tokens. */
async function getsLightweightTokens(
  { attributes }: ClientState,
  login: Login,
  deps: { readonly clock: Clock; readonly readSecretFile: ReadSecretFile },
  signal: AbortSignal,
): Promise<boolean> {
  if (attributes['client.use.lightweight.access.token.enabled'] === 'true') return true
  try {
    const token = await createRequestToken(login, deps)(undefined, signal)
    return isLightweight(decodeClaims(token.value))
  } catch (error) {
    // The plan is about an account that can't log in yet.
    if (error instanceof WorkerError) return false
    throw error
  }
}
