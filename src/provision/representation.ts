import { z } from 'zod'

/** Any representation of Keycloak. An update replaces all of it, so all of it must be sent. */
export const representationSchema = z.record(z.string(), z.unknown())
