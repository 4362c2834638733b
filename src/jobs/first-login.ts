import type { FirstLoginDefinition } from 'hasura-sync-worker'

/** How this API is told of a new account, and how to see that it knows it; `undefined` where it needs no such thing. */
export const firstLogin: FirstLoginDefinition | undefined = undefined
