import type { FastifyInstance } from 'fastify'

/**
 * Collects the routes that are added from now on.
 *
 * @returns the methods that a path supports, for `Allow` (RFC 9110, section 10.2.1); empty for a path that doesn't exist
 */
export function collectMethods(app: FastifyInstance): (path: string) => readonly string[] {
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set(['OPTIONS'])
    for (const each of [method].flat()) known.add(each)
    methods.set(url, known)
  })
  return path => {
    const found = [...methods].filter(([url]) => matches(url, path)).flatMap(([, known]) => [...known])
    return [...new Set(found)].toSorted()
  }
}

function matches(url: string, path: string): boolean {
  const parts = url.split('/')
  const given = path.split('/')
  return (
    parts.length === given.length &&
    parts.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
  )
}
