import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { applyMigrations } from './apply-migrations.ts'
import { type Authenticate, createAuthenticator, roleOf } from './authenticate.ts'
import { loadCatalog } from './catalog.ts'
import type { MetadataChange } from './change-metadata.ts'
import { openDatabase } from './database.ts'
import { Engine } from './engine.ts'
import { type Fault, type FaultMatch, Faults } from './faults.ts'
import { HasuraError } from './hasura-error.ts'
import { createHasuraServer, type Incoming, type Reply } from './http-server.ts'
import { type JwtConfig, jwtConfigSchema } from './jwt-config.ts'
import { LateUsers } from './late-users.ts'
import { loadMetadata } from './load-metadata.ts'
import { toPlain } from './lossless-json.ts'
import type { Metadata } from './metadata-schema.ts'
import { type GraphQLRequest, parseBody } from './parse-request.ts'
import type { Session } from './session.ts'
import { type Sockets, serveSockets } from './sockets/socket-server.ts'

export interface HasuraOptions {
  jwt: JwtConfig
  /** Default: 0, a free port. */
  port?: number
  /** An empty Postgres database; default: one in this process. */
  databaseUrl?: string
  /** Folder of an empty database in this process; default: in memory. */
  dataDir?: string
  /** The database's `TimeZone`, which Hasura doesn't set. Default UTC. */
  timeZone?: string
  /** Refuses requests without `x-hasura-role`, as Phonemos does. */
  requireRoleHeader?: boolean
  /** Serves this instead of the wiki: SQL for an empty database, and metadata for its tables. */
  source?: { readonly sql: string; readonly metadata: Metadata }
  /** Fills the wiki's tables; default true. */
  seed?: boolean
  /** The polling interval of live queries, in milliseconds; default a second. */
  refetchMs?: number
  stringifyNumeric?: boolean
}

/** A request that reached /v1/graphql, whether or not it succeeded. */
export interface RequestRecord {
  readonly operationName: string | undefined
  /** The role that it ran as; until the token is verified, the one in the header. */
  role: string | undefined
  readonly variables: unknown
  /** W3C Trace Context. */
  readonly traceparent: string | undefined
  readonly at: Date
  /** The HTTP status of the response; 0 if the socket was destroyed instead. */
  status: number
  userId: string | undefined
}

export type { Fault, FaultMatch } from './faults.ts'
export type { JwtConfig } from './jwt-config.ts'

export interface SandboxHasura extends AsyncDisposable {
  readonly url: string
  readonly requests: RequestRecord[]
  sql(text: string, params?: unknown[]): Promise<Record<string, unknown>[]>
  /**
   * Makes the changes in this order, reads the database's tables again and serves the resulting schema. Without a change, it
   * reloads the metadata after DDL; until then the tables differ from the schema.
   *
   * @throws when the metadata names something that the database lacks; then nothing changes
   */
  changeMetadata(...changes: MetadataChange[]): Promise<void>
  /** The SDL of a role's schema, even if its introspection is switched off. */
  printSchema(role: string): string
  /** Adds a fault for matching requests; returns a function that removes it. */
  fault(match: FaultMatch, fault: Fault): () => void
  clearFaults(): void
  setJwt(jwt: JwtConfig): void
  /** How long a user that `refresh_users` creates stays invisible. */
  setRefreshDelay(ms: number): void
  /** Its WebSockets and their faults. A fault `graphql-error` also applies to the subscriptions that it names. */
  readonly sockets: Sockets
  stop(): Promise<void>
  /** Listens again on the same port, with the same data. */
  start(): Promise<void>
}

/**
 * Starts a server that answers /v1/graphql as Hasura v2 does for these migrations and this metadata. It doesn't
 * support nested inserts, aggregates inside `where`, batches of requests, actions, remote schemas, the admin secret.
 */
export async function startHasura(options: HasuraOptions): Promise<SandboxHasura> {
  const directory = import.meta.dirname
  let authenticate = authenticator(options.jwt, options)
  const db = await openDatabase(options, options.timeZone)
  if (options.source) await db.query(options.source.sql)
  else {
    await applyMigrations(db, join(directory, 'migrations'))
    if (options.seed ?? true) await db.query(readFileSync(join(directory, 'seed.sql'), 'utf8'))
  }
  const lateUsers = new LateUsers()
  let metadata = options.source?.metadata ?? loadMetadata(join(directory, 'metadata'))
  const engine = new Engine(db, metadata, await loadCatalog(db.query), {
    stringifyNumeric: options.stringifyNumeric ?? false,
    visible: (table, alias) => lateUsers.condition(table, alias),
  })
  const requests: RequestRecord[] = []
  const records = new WeakMap<Incoming, RequestRecord>()
  const faults = new Faults()

  const execute = async (request: GraphQLRequest, session: Session) => {
    const makesUser = lateUsers.isDelaying && engine.fieldNames(request).includes('refresh_users')
    const userId = session.variables.get('x-hasura-user-id')
    const isNew = makesUser && (await db.query('SELECT 1 FROM public.users WHERE id::text = $1', [userId])).length === 0
    // Hidden before it exists, so that no reader sees it in between.
    const show = isNew && userId !== undefined ? lateUsers.hide(userId) : undefined
    try {
      return await engine.execute(request, session)
    } catch (error) {
      show?.()
      throw error
    }
  }

  const server = createHasuraServer({
    fault: incoming => {
      const record = recordOf(incoming)
      requests.push(record)
      records.set(incoming, record)
      return faultOf(faults.next(record.operationName), record)
    },
    answer: async incoming => {
      const record = records.get(incoming)
      const reply = await answer(incoming, authenticate, execute, session => {
        if (record === undefined) return
        record.role = session.role
        record.userId = session.variables.get('x-hasura-user-id')
      })
      if (record !== undefined && record.status !== 0) record.status = reply.status
      return reply
    },
  })
  const sockets = serveSockets(
    server,
    {
      authenticate: async headers => ({ session: await authenticate(headers), expiresAt: expiryOf(headers) }),
      isSubscription: request => engine.isSubscription(request),
      execute,
      subscribe(request, session) {
        const fault = faults.next(operationNameOf(request))
        if (fault?.kind === 'graphql-error') throw new HasuraError(fault.code, fault.message)
        return engine.subscribe(request, session)
      },
    },
    { refetchMs: options.refetchMs },
  )
  const port = await listen(server, options.port ?? 0)

  const stop = async () => {
    if (!server.listening) return
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    server.closeAllConnections()
    sockets.drop()
    await closed
  }
  return {
    url: `http://127.0.0.1:${port}/v1/graphql`,
    requests,
    sql: (text, params) => db.query(text, params),
    async changeMetadata(...changes) {
      const catalog = await loadCatalog(db.query)
      const changed = changes.reduce((before, change) => change(before), metadata)
      engine.replace(changed, catalog)
      metadata = changed
      sockets.close(1012, 'Server state changed, restarting the server')
    },
    printSchema: role => engine.printSchema(role),
    fault: (match, fault) => faults.add(match, fault),
    clearFaults: () => faults.clear(),
    setJwt: jwt => {
      authenticate = authenticator(jwt, options)
    },
    setRefreshDelay: ms => lateUsers.setDelay(ms),
    sockets,
    stop,
    start: async () => {
      if (!server.listening) await listen(server, port)
    },
    [Symbol.asyncDispose]: async () => {
      await stop()
      await db[Symbol.asyncDispose]()
    },
  }
}

function authenticator(jwt: JwtConfig, { requireRoleHeader = false }: HasuraOptions): Authenticate {
  return createAuthenticator(jwtConfigSchema.parse(jwt), { requireRoleHeader })
}

/** Checks the caller before the request, as Hasura does. */
async function answer(
  incoming: Incoming,
  authenticate: Authenticate,
  execute: (request: GraphQLRequest, session: Session) => Promise<string>,
  onSession: (session: Session) => void,
): Promise<Reply> {
  try {
    const session = await authenticate(incoming.headers)
    onSession(session)
    return { status: 200, body: await execute(parseBody(incoming.body), session) }
  } catch (error) {
    if (!(error instanceof HasuraError)) throw error
    return { status: 200, body: error.toBody() }
  }
}

/** Of a token that was verified, in milliseconds since 1970. */
function expiryOf({ authorization = '' }: Incoming['headers']): number | undefined {
  const { exp } = decodeJwt(authorization.replace(/^Bearer\s+/, ''))
  return exp === undefined ? undefined : exp * 1_000
}

function recordOf(incoming: Incoming): RequestRecord {
  const request = tryParse(incoming.body)
  return {
    operationName: request === undefined ? undefined : operationNameOf(request),
    role: roleOf(incoming.headers),
    variables: request === undefined ? undefined : toPlain(request.variables),
    traceparent: [incoming.headers.traceparent].flat()[0],
    at: new Date(),
    status: 200,
    userId: undefined,
  }
}

/** Clients may leave `operationName` out when the document has one operation; its name is meant all the same. */
function operationNameOf({ operationName, query }: GraphQLRequest): string | undefined {
  return operationName ?? /^\s*(?:#.*\s+)*(?:query|mutation|subscription)\s+([A-Za-z_]\w*)/.exec(query)?.[1]
}

function tryParse(body: string): GraphQLRequest | undefined {
  try {
    return parseBody(body)
  } catch {
    return undefined
  }
}

function faultOf(fault: Fault | undefined, record: RequestRecord): Fault | undefined {
  if (fault?.kind === 'status') record.status = fault.status
  if (fault?.kind === 'reset' || fault?.kind === 'reset-after' || fault?.kind === 'hang') record.status = 0
  return fault
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the server listens on no port'))
      else resolve(address.port)
    })
  })
}
