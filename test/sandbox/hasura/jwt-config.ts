import { z } from 'zod'

const common = z.object({
  /** Key of the claims object in the token. */
  claimsNamespace: z.string().optional(),
  /** JSONPath to it instead, such as `$.hasura.claims` or `$`. */
  claimsNamespacePath: z.string().optional(),
  claimsFormat: z.enum(['json', 'stringified_json']).optional(),
  audience: z.union([z.string(), z.array(z.string())]).optional(),
  issuer: z.string().optional(),
  allowedSkewSeconds: z.number().nonnegative().optional(),
})

/** What HASURA_GRAPHQL_JWT_SECRET says: where the keys are, and where in a token the claims are. */
export const jwtConfigSchema = z.union([
  common.extend({ jwkUrl: z.url(), key: z.undefined().optional() }),
  common.extend({ key: z.string().min(32), jwkUrl: z.undefined().optional() }),
])

export type JwtConfig = z.infer<typeof jwtConfigSchema>
