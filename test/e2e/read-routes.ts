import type { FastifyInstance } from 'fastify'

export interface RegisteredRoute {
  readonly method: string
  /** As it is registered, such as `/requests/:id`. */
  readonly path: string
}

/** Every route that Fastify serves. */
export async function findRoutes(app: FastifyInstance): Promise<RegisteredRoute[]> {
  await app.ready()
  const routes: RegisteredRoute[] = []
  const parents: string[] = []
  // The tree is the only list of its routes that Fastify gives; each level is indented by four characters.
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', part = '', methods = ''] = /^([^/]*)(\/\S*) \(([A-Z, ]+)\)$/.exec(line) ?? []
    if (part === '') continue
    const depth = indent.length / 4 - 1
    const path = `${parents.slice(0, depth).join('')}${part}`
    parents.splice(depth, parents.length, part)
    routes.push(...methods.split(', ').map(method => ({ method, path })))
  }
  return routes
}

/** The paths that may be asked for with GET. */
export async function findReadablePaths(app: FastifyInstance): Promise<string[]> {
  const routes = await findRoutes(app)
  return routes.filter(({ method }) => method === 'GET').map(({ path }) => path)
}
