/** What the search for claims and its explanations need of a token. */
export interface SearchedToken {
  readonly payload: Readonly<Record<string, unknown>>
  readonly authorizedParty?: string
  readonly clientRoles: Readonly<Record<string, readonly string[]>>
}
