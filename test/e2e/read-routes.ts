import type { FastifyInstance } from 'fastify'

/** The paths that may be asked for with GET, as they are registered, such as `/requests/:id`. */
export async function findReadablePaths(app: FastifyInstance): Promise<string[]> {
  await app.ready()
  const paths: string[] = []
  const parents: string[] = []
  // The tree is the only list of its routes that Fastify gives; each level is indented by four characters.
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', part = '', methods = ''] = /^([^/]*)(\/\S*) \(([A-Z, ]+)\)$/.exec(line) ?? []
    if (part === '') continue
    const depth = indent.length / 4 - 1
    const path = `${parents.slice(0, depth).join('')}${part}`
    parents.splice(depth, parents.length, part)
    if (methods.split(', ').includes('GET')) paths.push(path)
  }
  return paths
}
