import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'

const types: Readonly<Record<string, string>> = {
  'style.css': 'text/css; charset=utf-8',
  'live.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
}

/**
 * Style sheet, script and icon, served without a session because they contain no data.
 *
 * @returns a digest of them, for their addresses
 */
export function addAssets(app: FastifyInstance): string {
  const files = Object.entries(types).map(([name, type]) => {
    const content = readFileSync(new URL(`assets/${name}`, import.meta.url))
    return { name, type, content }
  })
  const all = Buffer.concat(files.map(({ content }) => content))
  const digest = hash('sha256', all, 'base64url').slice(0, 12)
  for (const { name, type, content } of files) {
    app.get(`/${name}`, async ({ url }, reply) => {
      // During a deploy, a page of another version may ask this one: its address must not keep these files.
      const isOwn = url.endsWith(`?${digest}`)
      reply.type(type).header('cache-control', isOwn ? 'public, max-age=31536000, immutable' : 'no-cache')
      return reply.send(content)
    })
  }
  return digest
}
