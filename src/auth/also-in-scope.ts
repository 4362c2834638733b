/**
 * Ends the advice to assign a role in Keycloak: where Full scope allowed is off, tokens have only those roles of the user that are in the
 * client's scope too. Since 26.8 Keycloak asks its administrators to turn it off, with a warning for each token.
 *
 * @param client whose tokens lack the role
 */
export function alsoInScope(client: string): string {
  return `, and where Full scope allowed is off also under Clients → ${client} → Client scopes → ${client}-dedicated → Scope`
}
