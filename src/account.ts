import type { PlainHttp } from './outgoing/secure-address.ts'

/** A service account that this worker logs in as, and the endpoints it may use. */
export interface Account {
  readonly name: string
  readonly login: Login
  /** Absent for an account whose API is not Hasura: it has no first login and no roles. */
  readonly hasura?: HasuraEndpoint
  /** A REST API that takes the same token. */
  readonly api?: { readonly baseUrl: string; readonly insecureHosts?: readonly string[] }
  /** The jobs that run for this account, by their names; all that its endpoints allow when absent. */
  readonly jobs?: readonly string[]
  /** Who may use it over HTTP: `<client>` or `<client>/<subject>` of a token, each percent-encoded. Every caller when absent. */
  readonly callers?: readonly string[]
  /** Schedules that differ from those of the jobs; null for a job that runs on demand only. */
  readonly schedules?: Readonly<Record<string, ScheduleRule | null>>
  /** Of jobs, as texts, by the names in their schemas; before those of the environment. */
  readonly settings?: Readonly<Record<string, string>>
  readonly limits?: {
    /** Runs at a time, in all processes together; 4 by default, so that one account can't take every slot. */
    readonly concurrentRuns?: number
    /** Requests to Hasura at a time in one process, those of all its runs together; 8 by default. */
    readonly concurrentRequests?: number
  }
}

/**
 * Every so many seconds, or by a cron expression in a time zone (IANA name, default UTC). `missed` says what becomes of ticks
 * for which no worker was there: one run makes up for all of them (`run-once`, the default), or none (`skip`).
 *
 * @example
 * import type { ScheduleRule } from 'hasura-sync-worker'
 *
 * export const weekdays: ScheduleRule = { cron: '0 6 * * 1-5', zone: 'Europe/Zurich', missed: 'skip' }
 */
export type ScheduleRule = ({ readonly everySeconds: number } | { readonly cron: string; readonly zone?: string }) & {
  readonly missed?: 'run-once' | 'skip'
}

/** How the account gets a token. Each method has its own credentials, and none of another's. */
export type Login = SecretLogin | KeyLogin | CertificateLogin | PasswordLogin

export type ClientAuthMethod = Login['method']

/**
 * Where tokens come from: the token endpoint, or the issuer whose endpoint is discovered (OpenID Connect Discovery 1.0). An
 * issuer beside the endpoint is the name that the server has for itself.
 */
export type LoginServer = { readonly issuer: string } | { readonly tokenUrl: string; readonly issuer?: string }

interface LoginBase extends PlainHttp {
  readonly server: LoginServer
  readonly clientId: string
  /** Asked for, and each must be granted. */
  readonly scopes: readonly string[]
}

/** A file is trimmed when read, and read again when the client is refused. */
export type Secret = { readonly value: string } | { readonly file: string }

/** A secret that both sides know (RFC 6749, section 2.3.1), in the header or in the form. */
export interface SecretLogin extends LoginBase {
  readonly method: 'client_secret_basic' | 'client_secret_post'
  readonly secret: Secret
}

/** An assertion signed with the client's private key (RFC 7523, section 2.2). */
export interface KeyLogin extends LoginBase {
  readonly method: 'private_key_jwt'
  /** PEM (PKCS #8, PKCS #1 or SEC 1) or JWK. */
  readonly keyFile: string
  /** The `kid` of the assertions; that of the JWK when absent, none for PEM. */
  readonly keyId?: string
}

/** Mutual TLS (RFC 8705, section 2). */
export interface CertificateLogin extends LoginBase {
  readonly method: 'tls_client_auth'
  /** PEM; may go on with the certificates between it and the authority. */
  readonly certificateFile: string
  /** PEM. */
  readonly keyFile: string
}

/** A person's or technical user's name and password (RFC 6749, section 4.3), which OAuth 2.1 has no more. */
export interface PasswordLogin extends LoginBase {
  readonly method: 'password'
  readonly usernameFile: string
  readonly passwordFile: string
  /** Absent for a public client. */
  readonly secret?: Secret
}

export interface HasuraEndpoint {
  /** The GraphQL endpoint, complete. */
  readonly url: string
  readonly claims: ClaimsLocation
  /** Role for `refresh_users`; the token's default role when absent. */
  readonly refreshRole?: string
}

/** Where Hasura's claims stand in the token: in one object, or each on its own. As in Hasura's JWT configuration. */
export type ClaimsLocation = ClaimsObject | { readonly map: ClaimsMap }

/** Its `claims_namespace` or `claims_namespace_path`, and `claims_format`. */
export interface ClaimsObject {
  readonly namespace: string
  /** A JSON path such as `$.hasura.claims`; wins over the namespace. */
  readonly path?: string
  readonly format: 'json' | 'stringified_json'
}

/** Its `claims_map`: a claim's name, in any case, and its value or where it stands. */
export type ClaimsMap = Readonly<Record<string, MappedClaim>>

/** The value itself, or a JSON path from the token's root with a value for tokens that have nothing there. */
export type MappedClaim = ClaimValue | { readonly path: string; readonly default?: ClaimValue }

/** A list of roles for `x-hasura-allowed-roles`, a text for every other claim. */
export type ClaimValue = string | readonly string[]

/**
 * What a job needs to find in the claims.
 *
 * @example
 * import type { Requirement } from 'hasura-sync-worker'
 *
 * export const forHasura: Requirement = { role: 'viewer' }
 * export const forKeycloak: Requirement = { clientRoles: { 'realm-management': ['view-users'] } }
 */
export type Requirement =
  | { readonly role: string }
  | { readonly scopes: readonly string[] }
  | { readonly clientRoles: Readonly<Record<string, readonly string[]>> }
