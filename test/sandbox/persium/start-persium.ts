import { type RestReply, type RestRequest, type RestServer, startRestServer } from '../rest/rest-server.ts'
import { createBearerVerifier, type Issuer } from '../rest/verify-bearer.ts'
import { type Station, seedStations } from './stations.ts'

/** A client that Persium has registered. */
export interface PersiumClient {
  readonly clientId: string
  readonly organisationUuid: string
  readonly label: string
}

export interface Persium extends RestServer {
  /** In the order of the list; may be changed. */
  readonly stations: Station[]
  /** From now on 401 for every token of the client that was seen so far. */
  revoke(clientId: string): void
  /** 403 for everything that a disabled client asks for. */
  setEnabled(clientId: string, enabled: boolean): void
}

/** How long after its end a token is still taken. */
const leewaySeconds = 30

/**
 * An API that answers as docs.persium.co.uk says: errors as `{ error }`, 401 for the token and 403 for a disabled client, 404
 * for what belongs to another organisation, pages by number. Its tokens are those of the identity provider, to be set to 300
 * seconds.
 *
 * @param options.now for the tokens and the `Date` header, in milliseconds since 1970; default the system's
 */
export async function startPersium(options: {
  issuer: Issuer
  clients: readonly PersiumClient[]
  stations?: number
  port?: number
  now?: () => number
}): Promise<Persium> {
  const now = options.now ?? Date.now
  const stations = seedStations(options.stations ?? 30, options.clients[0]?.organisationUuid ?? '')
  const verify = createBearerVerifier(options.issuer, { leewaySeconds, now })
  const seen = new Map<string, string>()
  const revoked = new Set<string>()
  const disabled = new Set<string>()

  async function answer(request: RestRequest): Promise<RestReply> {
    const claims = await verify(request.headers.authorization)
    const client = options.clients.find(({ clientId }) => clientId === claims?.client)
    if (!claims || !client || revoked.has(claims.id)) return refusal(401, 'invalid token')
    seen.set(claims.id, claims.client)
    if (disabled.has(client.clientId)) return refusal(403, 'client disabled')
    if (request.method !== 'GET') return refusal(405, 'method not allowed')
    return route(request, client)
  }

  function route({ path, query }: RestRequest, client: PersiumClient): RestReply {
    if (path === '/me') return { status: 200, body: describeClient(client) }
    const own = stations.filter(station => station.organisation_uuid === client.organisationUuid).map(showStation)
    if (path === '/stations') return pageOf(own, query)
    const station = own.find(({ uuid }) => path === `/stations/${uuid}`)
    return station ? { status: 200, body: station } : refusal(404, 'station not found')
  }

  const server = await startRestServer({
    basePath: '/api/m2m/v1',
    ...(options.port !== undefined && { port: options.port }),
    notFound: () => refusal(404, 'not found'),
    async answer(request) {
      const reply = await answer(request)
      return { ...reply, headers: { ...reply.headers, date: new Date(now()).toUTCString() } }
    },
  })
  return {
    ...server,
    stations,
    revoke(clientId) {
      for (const [id, client] of seen) if (client === clientId) revoked.add(id)
    },
    setEnabled(clientId, enabled) {
      if (enabled) disabled.delete(clientId)
      else disabled.add(clientId)
    },
  }
}

function describeClient({ clientId, organisationUuid, label }: PersiumClient): object {
  return { client_id: clientId, organisation_uuid: organisationUuid, label, all_organisations: false }
}

function showStation({ organisation_uuid: _own, ...shown }: Station): Omit<Station, 'organisation_uuid'> {
  return shown
}

/** `page` from 1 and `per_page`, 20 by default and at most 100. */
function pageOf(items: readonly object[], query: URLSearchParams): RestReply {
  const [page, perPage] = [query.get('page') ?? '1', query.get('per_page') ?? '20']
  for (const text of [page, perPage]) {
    if (!/^\d{1,9}$/.test(text)) return refusal(400, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  const size = Math.min(100, Math.max(1, Number(perPage)))
  const from = (Math.max(1, Number(page)) - 1) * size
  return { status: 200, body: { data: items.slice(from, from + size) } }
}

function refusal(status: number, error: string): RestReply {
  return { status, body: { error } }
}
