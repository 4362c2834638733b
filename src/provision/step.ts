import type { CheckId } from '../doctor/check.ts'

/** One difference between Keycloak and what the account needs, and its fix. */
export interface Step {
  readonly action: Action
  /** The check of `doctor` that fails, or would fail, because of it. */
  readonly check: CheckId
  /** The current state: `client "sync-worker" is disabled`. */
  readonly found: string
  /** What will be done, as a command: `enable client "sync-worker"`. */
  readonly sentence: string
  /** Where to do the same in Keycloak's console. */
  readonly place: string
}

/** What provision can't fix, because others must decide it. */
export interface Obstacle {
  readonly check: CheckId
  readonly found: string
  readonly advice: string
  /** Whether it prevents something only where its check fails, because that depends on Keycloak's version. */
  readonly isSuspected?: true
}

export type Action =
  | { readonly kind: 'create-client' }
  | { readonly kind: 'change-client'; readonly change: ClientChange }
  | { readonly kind: 'write-secret' }
  | { readonly kind: 'rotate-secret' }
  | { readonly kind: 'create-key' }
  | { readonly kind: 'register-key' }
  | { readonly kind: 'rotate-key' }
  | { readonly kind: 'create-scope'; readonly scope: string }
  | { readonly kind: 'change-scope'; readonly scope: string; readonly attributes: Readonly<Record<string, string>> }
  | { readonly kind: 'add-mapper'; readonly scope: string; readonly mapper: Mapper }
  | { readonly kind: 'change-mapper'; readonly scope: string; readonly id: string; readonly mapper: Mapper }
  | { readonly kind: 'remove-mapper'; readonly scope: string; readonly id: string }
  | { readonly kind: 'attach-scope'; readonly scope: string; readonly as: 'default' | 'optional' }
  | { readonly kind: 'assign-role'; readonly client: string; readonly role: string }
  | { readonly kind: 'let-role-through'; readonly client: string; readonly role: string }
  | { readonly kind: 'change-user'; readonly change: UserChange }
  | { readonly kind: 'join-group'; readonly groupId: string }

/** Parts of Keycloak's ClientRepresentation; attributes are added to the existing ones. */
export interface ClientChange {
  readonly enabled?: boolean
  readonly publicClient?: boolean
  readonly bearerOnly?: boolean
  readonly serviceAccountsEnabled?: boolean
  readonly standardFlowEnabled?: boolean
  readonly directAccessGrantsEnabled?: boolean
  readonly clientAuthenticatorType?: string
  readonly attributes?: Readonly<Record<string, string>>
}

/** Parts of Keycloak's UserRepresentation. */
export interface UserChange {
  readonly enabled?: boolean
  readonly email?: string
  readonly emailVerified?: boolean
}

/** Keycloak's ProtocolMapperRepresentation. */
export interface Mapper {
  readonly name: string
  readonly protocol: 'openid-connect'
  readonly protocolMapper: string
  readonly config: Readonly<Record<string, string>>
}

/** The steps, in order, and what prevents provisioning. */
export interface Plan {
  readonly steps: readonly Step[]
  readonly obstacles: readonly Obstacle[]
}
