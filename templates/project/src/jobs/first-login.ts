import type { FirstLoginDefinition } from 'hasura-sync-worker'

/** How to tell the API about a new account, and how to check that it knows it. `undefined` if it needs no such call. */
export const firstLogin: FirstLoginDefinition | undefined = undefined
