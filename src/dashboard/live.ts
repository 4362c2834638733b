import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { NotFoundError } from '../errors.ts'
import { parseValue } from '../operations/values.ts'
import { localPage } from './access.ts'
import type { Desk } from './desk.ts'
import type { Session } from './session.ts'
import { may } from './viewer.ts'

/** Milliseconds between two renderings of a stream's page. */
const lookEveryMs = 2_000
/** Unchanged renderings after which an event keeps proxies from closing the stream, and tells the page that it is connected. */
const quietLooks = 8
/** With data, although there is none: browsers drop an event without, and tell no script of comments. */
const same = 'event: same\ndata:\n\n'
/** Streams per process; each open page has one. */
const mostStreams = 100
/** Milliseconds after which a browser reconnects. */
const retryMs = 3_000

const querySchema = z.object({ page: z.string().max(1_000), version: z.string().max(64).optional() })

/**
 * `live?page=…`: server-sent events (HTML Living Standard, section 9.2), each with the page's content after it has changed. The next
 * rendering waits until the browser has received the last event, so a slow one costs no memory.
 */
export function addLive(app: FastifyInstance, desk: Desk): void {
  const { access, log } = desk.deps
  const stopping = new AbortController()
  let streams = 0
  app.addHook('preClose', async () => stopping.abort())
  app.get('/live', async (request, reply) => {
    // Never redirected to the login: a reconnecting stream would begin one after the other.
    const session = await access.find(request.headers.cookie)
    if (!session || !may(session.viewer, 'view')) return reply.code(401).send('')
    const { page, version } = parseValue(querySchema, request.query, 'query')
    const address = localPage(page)
    const last = String(request.headers['last-event-id'] ?? version ?? '')
    await desk.render(session, address)
    if (streams >= mostStreams) return reply.code(503).header('retry-after', 30).send('')
    reply.hijack()
    const gone = new AbortController()
    reply.raw.on('close', () => gone.abort())
    const signal = AbortSignal.any([gone.signal, stopping.signal])
    streams += 1
    reply.raw.writeHead(200, {
      ...headersOf(reply.getHeaders()),
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
    })
    try {
      await stream(reply.raw, desk, session, { address, last, signal })
    } catch (error) {
      if (!signal.aborted && !(error instanceof NotFoundError))
        log.debug({ error }, 'a live page ended; the browser connects again')
    } finally {
      streams -= 1
      reply.raw.end()
    }
    return reply
  })
}

async function stream(
  out: ServerResponse,
  { render, deps: { clock } }: Desk,
  session: Session,
  { address, last, signal }: { readonly address: string; readonly last: string; readonly signal: AbortSignal },
): Promise<void> {
  let sent = last
  let quiet = 0
  await write(out, `retry: ${retryMs}\n\n`, signal)
  while (clock.now() < session.expiresAt) {
    const { main, version } = await render(session, address)
    if (version !== sent) {
      const data = String(main).replaceAll(/^/gm, 'data: ')
      await write(out, `id: ${version}\n${data}\n\n`, signal)
      sent = version
      quiet = 0
    } else if (++quiet >= quietLooks) {
      await write(out, same, signal)
      quiet = 0
    }
    await clock.sleep(lookEveryMs, signal)
  }
}

async function write(out: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (!out.write(text)) await once(out, 'drain', { signal })
}

function headersOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
