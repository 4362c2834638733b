// node bench/api/serve-prepared.ts '{"rows": …, "latencyMs": …}'
// Serves rows that were serialized before the first request, so that it uses little CPU time.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { announce } from './announce.ts'
import { findInterval } from './find-interval.ts'
import { prepareRows } from './prepare-rows.ts'

const { rows, latencyMs } = z
  .strictObject({ rows: z.number(), latencyMs: z.number() })
  .parse(JSON.parse(process.argv[2] ?? ''))

const requestSchema = z.object({
  variables: z.object({
    where: z.record(z.string(), z.unknown()),
    limit: z.int(),
    offset: z.int().default(0),
    order_by: z.tuple([z.record(z.string(), z.enum(['asc', 'desc']))]).rest(z.unknown()),
  }),
})

const before = Buffer.from('{"data":{"articles":[')
const after = Buffer.from(']}}')

const textOf = prepareRows(rows)
let requests = 0
const server = createServer(async (request, response) => {
  requests += 1
  try {
    const { where, limit, offset, order_by } = requestSchema.parse(await json(request)).variables
    const { start, end } = findInterval(where, { start: 0, end: rows })
    // All columns give the rows the same order.
    const isBackwards = Object.values(order_by[0]).includes('desc')
    if (isBackwards && limit > 1) throw new RangeError('The prepared pages give one row from the end at most')
    const first = isBackwards ? end - 1 - offset : start + offset
    const page = textOf(Math.max(start, first), Math.min(end, first + limit))
    await delay(latencyMs)
    send(response, 200, [before, ...page, after])
  } catch (error) {
    send(response, 400, [Buffer.from(String(error))])
  }
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = z.object({ port: z.number() }).parse(server.address())
announce(`http://127.0.0.1:${port}/v1/graphql`, () => requests)

function send(response: ServerResponse, status: number, parts: readonly Buffer[]): void {
  const length = parts.reduce((total, part) => total + part.length, 0)
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': length })
  response.cork()
  for (const part of parts) response.write(part)
  response.end()
  response.uncork()
}
