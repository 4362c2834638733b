import type { FastifyInstance } from 'fastify'
import type { Log } from '../log.ts'
import { createFastify, httpLimits } from './create-fastify.ts'

/** The response to a scrape. */
export type Scrape = () => Promise<{ readonly contentType: string; readonly text: string }>

/** `GET /metrics` for everyone who can reach it. */
export function addMetricsRoute(app: FastifyInstance, scrape: Scrape): void {
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await scrape()
    return reply.header('content-type', contentType).send(text)
  })
}

/** A listener for only the metrics. */
export function createMetricsHttp(deps: { readonly scrape: Scrape; readonly log: Log }): FastifyInstance {
  const app = createFastify(deps.log, { ...httpLimits, connections: 32 })
  addMetricsRoute(app, deps.scrape)
  return app
}
