import type { PlainHttp } from './outgoing/secure-address.ts'

/** A service account that this worker logs in as, and the endpoints it may use. */
export interface Account {
  readonly name: string
  readonly login: Login
  /** Absent for an account whose API isn't Hasura: such an account has no first login and no roles. */
  readonly hasura?: HasuraEndpoint
  /** A REST API that accepts the same token. */
  readonly api?: { readonly baseUrl: string; readonly insecureHosts?: readonly string[] }
  /** Names of the jobs that run for this account; default: all that its endpoints allow. */
  readonly jobs?: readonly string[]
  /** Who may use it over HTTP: `<client>` or `<client>/<subject>` of a token, both percent-encoded. Default: every caller. */
  readonly callers?: readonly string[]
  /** Schedules that override those of the jobs, by job name; null for a job that runs on demand only. */
  readonly schedules?: Readonly<Record<string, ScheduleRule | null>>
  /** Settings of jobs as texts, by the names in their schemas; they take precedence over the environment. */
  readonly settings?: Readonly<Record<string, string>>
  readonly limits?: {
    /** Concurrent runs over all processes; default 4, so that one account can't take every concurrency slot. */
    readonly concurrentRuns?: number
    /** Concurrent requests to Hasura per process, over all runs of the account; default 8. */
    readonly concurrentRequests?: number
  }
}

/**
 * An interval in seconds, or a cron expression in a time zone (IANA name, default UTC). `missed` is for ticks when no
 * worker was running: one run makes up for all of them (`run-once`, the default), or none (`skip`).
 *
 * @example
 * import type { ScheduleRule } from 'hasura-sync-worker'
 *
 * export const weekdays: ScheduleRule = { cron: '0 6 * * 1-5', zone: 'Europe/Zurich', missed: 'skip' }
 */
export type ScheduleRule = ({ readonly everySeconds: number } | { readonly cron: string; readonly zone?: string }) & {
  readonly missed?: 'run-once' | 'skip'
}

/** How the account gets a token. Each method has only its own credentials. */
export type Login = SecretLogin | KeyLogin | CertificateLogin | PasswordLogin

export type ClientAuthMethod = Login['method']

/**
 * Where tokens come from: the token endpoint, or an issuer whose endpoint is discovered (OpenID Connect Discovery 1.0). An issuer given
 * with the endpoint is the server's own identifier.
 */
export type LoginServer = { readonly issuer: string } | { readonly tokenUrl: string; readonly issuer?: string }

interface LoginBase extends PlainHttp {
  readonly server: LoginServer
  readonly clientId: string
  /** Scopes that are requested; each must be granted. */
  readonly scopes: readonly string[]
}

/** A file's content is trimmed, and the file is read again when the client is refused. */
export type Secret = { readonly value: string } | { readonly file: string }

/** A shared client secret (RFC 6749, section 2.3.1), sent in the header or in the form. */
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
  /** PEM; may continue with intermediate certificates. */
  readonly certificateFile: string
  /** PEM. */
  readonly keyFile: string
}

/** Name and password of a person or technical user (RFC 6749, section 4.3); removed from OAuth 2.1. */
export interface PasswordLogin extends LoginBase {
  readonly method: 'password'
  readonly usernameFile: string
  readonly passwordFile: string
  /** Absent for a public client. */
  readonly secret?: Secret
}

export interface HasuraEndpoint {
  /** Complete URL of the GraphQL endpoint. */
  readonly url: string
  readonly claims: ClaimsLocation
  /** Role for `refresh_users`; default: the token's default role. */
  readonly refreshRole?: string
}

/** Where Hasura's claims are in the token: in one object, or each at its own path, as in Hasura's JWT configuration. */
export type ClaimsLocation = ClaimsObject | { readonly map: ClaimsMap }

/** Its `claims_namespace` or `claims_namespace_path`, and `claims_format`. */
export interface ClaimsObject {
  readonly namespace: string
  /** JSON path such as `$.hasura.claims`; takes precedence over the namespace. */
  readonly path?: string
  readonly format: 'json' | 'stringified_json'
}

/** Hasura's `claims_map`: from a claim's name, in any case, to its value or its path. */
export type ClaimsMap = Readonly<Record<string, MappedClaim>>

/** The value itself, or a JSON path from the token's root with a default for tokens without that path. */
export type MappedClaim = ClaimValue | { readonly path: string; readonly default?: ClaimValue }

/** A list of roles for `x-hasura-allowed-roles`; a text for any other claim. */
export type ClaimValue = string | readonly string[]

/**
 * What a job requires of the token's claims: one Hasura role, or scopes and client roles for other APIs.
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
