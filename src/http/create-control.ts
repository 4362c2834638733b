import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isError, TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import { listOperations, type Operations } from '../operations/registry.ts'
import { type ControlLine, tellError } from './control-events.ts'
import { controlLimits, createFastify } from './create-fastify.ts'
import { readInput, routeOf } from './operation-route.ts'

/**
 * All operations, for commands of the same user on the same machine: everyone who may open the socket (mode 0600) may use them.
 */
export function createControl(deps: { readonly operations: Operations; readonly log: Log }): FastifyInstance {
  const { operations, log } = deps
  const app = createFastify(log, controlLimits)
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  // Before the store closes, callers' runs have recorded how they ended.
  app.addHook('preClose', async () => {
    stopping.abort(
      new TransientError(
        'interrupted',
        'The worker is stopping, so the run was interrupted; the next one resumes from its checkpoint',
      ),
    )
    await Promise.all(running)
  })

  for (const { operation, ask } of listOperations(operations)) {
    const { method, path } = routeOf(operation)
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const input = readInput(operation, operation.input, request)
      const gone = new AbortController()
      reply.raw.on('close', () => gone.abort(new DOMException('the caller disconnected', 'AbortError')))
      const signal = AbortSignal.any([gone.signal, stopping.signal])
      if (!operation.event) return answer(reply, await ask(input, { signal }))
      const work = stream(reply, onEvent => ask(input, { signal, onEvent }))
      running.add(work)
      await work
      running.delete(work)
      return reply
    }
    app.route({ method, url: path, handler })
  }
  return app
}

/** The output as JSON; no content if there is none. */
function answer(reply: FastifyReply, output: unknown): FastifyReply {
  if (output === undefined) return reply.code(204).send()
  return reply.type('application/json').send(JSON.stringify(output))
}

/** One JSON line per event, and a last one with the output or the error. If the caller disconnects, the work is aborted. */
async function stream(
  reply: FastifyReply,
  begin: (onEvent: (event: unknown) => void) => Promise<unknown>,
): Promise<void> {
  reply.hijack()
  const send = (line: ControlLine): void => {
    reply.raw.write(`${JSON.stringify(line)}\n`)
  }
  reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' })
  try {
    send({ type: 'output', output: await begin(event => send({ type: 'event', event })) })
  } catch (error) {
    send({ type: 'error', kind: isError(error) ? error.name : 'Error', ...tellError(error) })
  }
  reply.raw.end()
}
