import { z } from 'zod'

/**
 * Why Keycloak's Admin API refuses a request: in a sentence of its own, of a client policy, or in one for each field.
 *
 * @param answer the JSON of the response
 * @returns Keycloak's words, which may repeat what was sent
 */
export function findAdminReason(answer: unknown): string | undefined {
  const { errorMessage, error_description, errors = [] } = reasonSchema.safeParse(answer).data ?? {}
  const reasons = [errorMessage, error_description, ...errors.map(each => each.errorMessage)]
  return reasons.filter(Boolean).join('; ') || undefined
}

const sentence = z.string().optional().catch(undefined)
const reasonSchema = z.object({
  errorMessage: sentence,
  error_description: sentence,
  errors: z
    .array(z.object({ errorMessage: sentence }))
    .optional()
    .catch(undefined),
})
