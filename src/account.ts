/** A service account that this worker logs in as, and the endpoints it may use. */
export interface Account {
  readonly name: string
  readonly login: Login
  /** Absent for an account whose API is not Hasura: it has no first login and no roles. */
  readonly hasura?: HasuraEndpoint
}

export type ClientAuthMethod = 'client_secret_basic' | 'client_secret_post'

/** How the account gets a token: OAuth 2.0 client credentials (RFC 6749, section 4.4). */
export interface Login {
  /** Discovery (OpenID Connect Discovery 1.0) or the token endpoint itself. */
  readonly server: { readonly issuer: string } | { readonly tokenUrl: string }
  readonly clientId: string
  readonly method: ClientAuthMethod
  /** A file is trimmed when read, and read again when the client is refused. */
  readonly secret: { readonly value: string } | { readonly file: string }
  /** Asked for, and each must be granted. */
  readonly scopes: readonly string[]
}

export interface HasuraEndpoint {
  /** The GraphQL endpoint, complete. */
  readonly url: string
  readonly claims: ClaimsLocation
  /** Role for `refresh_users`; the token's default role when absent. */
  readonly refreshRole?: string
}

/** Where Hasura's claims stand in the token: its `claims_namespace` or `claims_namespace_path`, and `claims_format`. */
export interface ClaimsLocation {
  readonly namespace: string
  /** A JSON path such as `$.hasura.claims`; wins over the namespace. */
  readonly path?: string
  readonly format: 'json' | 'stringified_json'
}

/** What a job needs to find in the claims. */
export type Requirement =
  | { readonly role: string }
  | { readonly scopes: readonly string[] }
  | { readonly clientRoles: Readonly<Record<string, readonly string[]>> }
