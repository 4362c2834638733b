import { z } from 'zod'

export interface TokenRequest {
  clientId: string | undefined
  grantType: string | undefined
  scope: string | undefined
}

/** One request to the token endpoint; `status` is 0 without a response. */
export interface TokenRequestRecord {
  readonly clientId: string | undefined
  readonly grantType: string | undefined
  readonly at: Date
  readonly status: number
}

const formSchema = z
  .object({ client_id: z.string(), grant_type: z.string(), scope: z.string() })
  .partial()
  .catch(() => ({}))

/** The client and its request, whether it authenticates by header or by form. */
export function parseTokenRequest(authorization: string | undefined, form: unknown): TokenRequest {
  const { client_id, grant_type, scope } = formSchema.parse(form ?? {})
  return { clientId: basicClientId(authorization) ?? client_id, grantType: grant_type, scope }
}

function basicClientId(authorization: string | undefined): string | undefined {
  const encoded = /^basic (.+)$/iu.exec(authorization ?? '')?.[1]
  const pair = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon < 0) return undefined
  try {
    return decodeURIComponent(pair.slice(0, colon).replaceAll('+', '%20'))
  } catch {
    return undefined
  }
}
