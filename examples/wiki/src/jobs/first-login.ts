import type { FirstLoginDefinition } from 'hasura-sync-worker'
import { FindUserDocument, RefreshUsersDocument } from '../generated/graphql.ts'

/** How this API is told of a new account, and how to see that it knows it; `undefined` where it needs no such thing. */
export const firstLogin: FirstLoginDefinition | undefined = {
  refreshUsers: RefreshUsersDocument,
  async isVisible(hasura, userId, signal) {
    const { users_by_pk } = await hasura.query(FindUserDocument, { id: userId }, { signal })
    return users_by_pk != null
  },
  operations: [FindUserDocument],
}
