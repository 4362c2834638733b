import { z } from 'zod'

/** Any of Keycloak's representations. It replaces what it is sent, so all of one has to go back with a change. */
export const representationSchema = z.record(z.string(), z.unknown())
