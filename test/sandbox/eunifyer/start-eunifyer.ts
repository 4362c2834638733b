import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { type RestReply, type RestRequest, type RestServer, startRestServer } from '../rest/rest-server.ts'
import { createBearerVerifier, type Issuer } from '../rest/verify-bearer.ts'
import { cursorPage, invalid } from './cursor-page.ts'
import { Idempotency } from './idempotency.ts'
import { problem } from './problem.ts'
import { RequestLimit } from './request-limit.ts'
import {
  type Contact,
  contactInput,
  type Organization,
  organizationChange,
  organizationInput,
  seedContacts,
  seedOrganizations,
} from './resources.ts'

export interface Eunifyer extends RestServer {
  /** In the order they were made; may be changed. */
  readonly organizations: Organization[]
  readonly contacts: Contact[]
}

/**
 * An API that answers as docs.eunifyer.com says: scopes per route, problem details, cursor pages, one limit for all routes and
 * tokens of an organisation, idempotency keys. Two things aren't in its documents: the contacts' path, and that here each
 * client is its own organisation. What a request says that no document knows is refused.
 *
 * Tokens are those of the identity provider, which has to give `partner:orgs:read` and so on in `scope`, and 900 seconds.
 *
 * @param options.requestsPerMinute default 300, the Starter plan
 * @param options.now for the limit, the tokens and the `Date` header, in milliseconds since 1970; default the system's
 */
export async function startEunifyer(options: {
  issuer: Issuer
  requestsPerMinute?: number
  organizations?: number
  contacts?: number
  port?: number
  now?: () => number
}): Promise<Eunifyer> {
  const now = options.now ?? Date.now
  const organizations = seedOrganizations(options.organizations ?? 45)
  const contacts = seedContacts(options.contacts ?? 30)
  const verify = createBearerVerifier(options.issuer, { leewaySeconds: 0, now })
  const limit = new RequestLimit(options.requestsPerMinute ?? 300, now)
  const idempotency = new Idempotency(now)

  async function answer(request: RestRequest): Promise<RestReply> {
    const claims = await verify(request.headers.authorization)
    if (!claims) return problem('unauthorized', 'Missing, expired, revoked, or malformed token')
    const state = limit.spend(claims.client)
    if (state.exceeded) {
      const { limit: perMinute, resetInSeconds } = state
      const more = { limit: perMinute, reset_in_seconds: resetInSeconds }
      const reply = problem('rate_limit_exceeded', 'Rate limit exceeded', more)
      return withHeaders(reply, { ...state.headers, 'retry-after': String(resetInSeconds) })
    }
    return withHeaders(await route(request, claims), state.headers)
  }

  async function route(
    request: RestRequest,
    claims: { client: string; scopes: readonly string[] },
  ): Promise<RestReply> {
    const found = routes.find(({ method, path }) => method === request.method && path.test(request.path))
    if (!found) return problem('not_found', 'Resource does not exist', { instance: request.path })
    const wildcard = found.scope.replace(/:[^:]+$/, ':*')
    if (!claims.scopes.includes(found.scope) && !claims.scopes.includes(wildcard)) {
      return problem('forbidden', `Required scope: ${found.scope}`, { instance: request.path })
    }
    const unknown = [...request.query.keys()].find(name => !found.query.includes(name))
    if (unknown !== undefined) return invalid(unknown, 'unknown parameter')
    const key = request.headers['idempotency-key']
    if (!found.idempotent || key === undefined) return found.answer(request)
    return idempotency.once(claims.client, String(key), request.body, async () => found.answer(request))
  }

  const pages = ['cursor', 'limit']
  const routes: readonly Route[] = [
    {
      ...{ method: 'GET', path: /^\/partner\/orgs$/, scope: 'partner:orgs:read', query: ['q', 'status', ...pages] },
      answer({ query }) {
        const [q, status] = [query.get('q')?.toLowerCase(), query.get('status')]
        if (status !== null && status !== 'active' && status !== 'suspended') return invalid('status', 'unknown status')
        const matching = organizations.filter(
          one => (q === undefined || one.name.toLowerCase().includes(q)) && (status === null || one.status === status),
        )
        return cursorPage(matching, query, `orgs ${q} ${status}`)
      },
    },
    {
      ...{ method: 'POST', path: /^\/partner\/orgs$/, scope: 'partner:orgs:write', query: [], idempotent: true },
      answer: ({ body }) =>
        withInput(organizationInput, body, ({ name, slug, billing_email }) => {
          const created_at = new Date(now()).toISOString()
          const made: Organization = { id: randomUUID(), name, slug, status: 'active', billing_email, created_at }
          organizations.push(made)
          return { status: 201, body: made }
        }),
    },
    {
      ...{ method: 'GET', path: /^\/partner\/orgs\/[^/]+$/, scope: 'partner:orgs:read', query: [] },
      answer: ({ path }) => withOrganization(path, one => ({ status: 200, body: one })),
    },
    {
      ...{ method: 'PATCH', path: /^\/partner\/orgs\/[^/]+$/, scope: 'partner:orgs:write', query: [] },
      answer: ({ path, body }) =>
        withOrganization(path, (one, index) =>
          withInput(organizationChange, body, ({ name = one.name, billing_email = one.billing_email }) => {
            const changed = { ...one, name, billing_email }
            organizations[index] = changed
            return { status: 200, body: changed }
          }),
        ),
    },
    {
      ...{ method: 'GET', path: /^\/contacts$/, scope: 'contacts:read', query: pages },
      answer: ({ query }) => cursorPage(contacts, query, 'contacts'),
    },
    {
      // Not among the endpoints that know Idempotency-Key.
      ...{ method: 'POST', path: /^\/contacts$/, scope: 'contacts:write', query: [] },
      answer: ({ body }) =>
        withInput(contactInput, body, input => {
          const made = { id: randomUUID(), ...input }
          contacts.push(made)
          return { status: 201, body: made }
        }),
    },
  ]

  function withOrganization(path: string, use: (one: Organization, index: number) => RestReply): RestReply {
    const index = organizations.findIndex(({ id }) => id === decodeURIComponent(path.split('/').at(-1) ?? ''))
    const one = organizations[index]
    return one ? use(one, index) : problem('not_found', 'Resource does not exist', { instance: path })
  }

  const server = await startRestServer({
    basePath: '/api/v1',
    ...(options.port !== undefined && { port: options.port }),
    notFound: path => problem('not_found', 'Resource does not exist', { instance: path }),
    answer: async request => withHeaders(await answer(request), { date: new Date(now()).toUTCString() }),
  })
  return { ...server, organizations, contacts }
}

interface Route {
  readonly method: string
  readonly path: RegExp
  readonly scope: string
  readonly query: readonly string[]
  readonly idempotent?: boolean
  answer(request: RestRequest): RestReply
}

function withHeaders(reply: RestReply, headers: Record<string, string>): RestReply {
  return { ...reply, headers: { ...reply.headers, ...headers } }
}

function withInput<T>(schema: z.ZodType<T>, body: string, use: (input: T) => RestReply): RestReply {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return invalid('body', 'is not JSON')
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return use(parsed.data)
  const errors = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
  return problem('validation_error', 'Request body failed validation', { errors })
}
