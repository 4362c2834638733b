import type { FirstLoginDefinition } from 'hasura-sync-worker'
import { FindUserDocument, RefreshUsersDocument } from '../generated/graphql.ts'

/** How to tell the API about a new account, and how to check that it knows it. `undefined` if it needs no such call. */
export const firstLogin: FirstLoginDefinition | undefined = {
  refreshUsers: RefreshUsersDocument,
  async isVisible(hasura, userId, signal) {
    const { users_by_pk } = await hasura.query(FindUserDocument, { id: userId }, { signal })
    return users_by_pk != null
  },
  operations: [FindUserDocument],
}
