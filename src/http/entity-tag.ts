import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Only the caller may store a response with a tag, and must revalidate it each time. */
const cacheControl = 'private, no-cache'

/**
 * Sends JSON with its entity tag, or 304 if `If-None-Match` has that tag (RFC 9110, sections 8.8.3 and 13.1.2).
 *
 * @param text JSON; equal texts have equal tags
 */
export function sendTagged({ headers }: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  const tag = tagOf(text)
  reply.headers({ etag: tag, 'cache-control': cacheControl })
  if (isKnown(headers['if-none-match'], tag)) return reply.code(304).send()
  return reply.type('application/json').send(text)
}

function tagOf(text: string): string {
  return `"${hash('sha256', text, 'base64url')}"`
}

/** What Apache adds to the tag of a response that it compresses (`DeflateAlterETag AddSuffix`, the default). */
const suffixes = ['', '-gzip', '-br', '-zstd']

/** Compares weakly, because a proxy that compresses a response makes its tag weak, or adds a suffix. */
function isKnown(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  const tags = suffixes.map(suffix => `${tag.slice(0, -1)}${suffix}"`)
  return ifNoneMatch.split(',').some(each => {
    const known = each.trim()
    return known === '*' || tags.includes(known.replace(/^W\//, ''))
  })
}
