import { text } from 'node:stream/consumers'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { z } from 'zod'
import { applyFault } from './apply-fault.ts'
import type { ClientRegistry, RegisteredClient } from './client-registry.ts'
import { grantedScope } from './granted-scope.ts'
import type { IdentityFault } from './identity-fault.ts'
import { REFRESH_TOKEN_SECONDS, type RefreshTokens } from './refresh-tokens.ts'
import { tokenRefusal } from './token-refusal.ts'
import { parseTokenRequest, type TokenRequest, type TokenRequestRecord } from './token-request.ts'

export interface TokenEndpoint {
  readonly registry: ClientRegistry
  readonly refreshTokens: RefreshTokens
  readonly requests: TokenRequestRecord[]
  lifetimeSeconds(): number
  signToken(client: RegisteredClient, scope: string): Promise<string>
}

/** Records one request, and answers it with oidc-provider's verdict in Keycloak's shape, or with a fault. */
export async function serveTokenRequest(
  endpoint: TokenEndpoint,
  context: KoaContextWithOIDC,
  decide: () => Promise<void>,
  fault: IdentityFault | undefined,
): Promise<void> {
  const record = { ...parseTokenRequest(context.headers.authorization, undefined), at: new Date(), status: 0 }
  endpoint.requests.push(record)
  const answer = async () => {
    await decide()
    const request = parseTokenRequest(context.headers.authorization, parsedForm(context))
    Object.assign(record, { clientId: request.clientId, grantType: request.grantType })
    await writeAnswer(endpoint, context, request)
  }
  if (!fault) {
    await answer()
  } else {
    if (!letsAnswer(fault)) Object.assign(record, await readTokenRequest(context))
    await applyFault(context, fault, answer)
  }
  if (context.respond !== false) record.status = context.status
}

/** For these only, oidc-provider reads the form: a body can be read once. */
function letsAnswer(fault: IdentityFault): boolean {
  return fault.kind === 'latency' || fault.kind === 'rewrite'
}

async function readTokenRequest(context: KoaContextWithOIDC): Promise<Pick<TokenRequest, 'clientId' | 'grantType'>> {
  const form = Object.fromEntries(new URLSearchParams(await text(context.req).catch(() => '')))
  const { clientId, grantType } = parseTokenRequest(context.headers.authorization, form)
  return { clientId, grantType }
}

/** oidc-provider's own context exists only where one of its routes took the request. */
function parsedForm(context: Partial<Pick<KoaContextWithOIDC, 'oidc'>>): unknown {
  return context.oidc?.body
}

async function writeAnswer(endpoint: TokenEndpoint, context: KoaContextWithOIDC, request: TokenRequest): Promise<void> {
  const client = request.clientId === undefined ? undefined : endpoint.registry.find(request.clientId)
  const verdict = { status: context.status, error: errorSchema.parse(context.body).error }
  const refusal = tokenRefusal(client, request, verdict)
  context.remove('www-authenticate')
  if (refusal || !client) {
    context.status = refusal?.status ?? 401
    context.body = refusal?.body
    return
  }
  const scope = grantedScope(client, request.scope) ?? ''
  const refreshToken = client.refreshTokens ? endpoint.refreshTokens.issue(client.clientId) : undefined
  context.body = {
    access_token: await endpoint.signToken(client, scope),
    expires_in: endpoint.lifetimeSeconds(),
    refresh_expires_in: refreshToken ? REFRESH_TOKEN_SECONDS : 0,
    ...(refreshToken && { refresh_token: refreshToken }),
    token_type: 'Bearer',
    'not-before-policy': 0,
    scope,
  }
}

const errorSchema = z.object({ error: z.string().optional() }).catch({ error: undefined })
