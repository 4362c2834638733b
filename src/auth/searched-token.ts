/** The parts of a token that the search for claims and its messages need. */
export interface SearchedToken {
  readonly payload: Readonly<Record<string, unknown>>
  readonly authorizedParty?: string
  readonly scopes: readonly string[]
  readonly clientRoles: Readonly<Record<string, readonly string[]>>
}
