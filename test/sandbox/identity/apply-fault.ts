import { setTimeout as delay } from 'node:timers/promises'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { z } from 'zod'
import type { IdentityFault } from './identity-fault.ts'

/** Responds with a fault, or lets `answer` respond and corrupts the response. */
export async function applyFault(
  context: KoaContextWithOIDC,
  fault: IdentityFault,
  answer: () => Promise<void>,
): Promise<void> {
  switch (fault.kind) {
    case 'status':
      context.status = fault.status
      context.set(fault.headers ?? {})
      context.body = fault.body ?? ''
      return
    case 'html':
      context.type = 'text/html'
      context.body = '<!doctype html><title>Sign in</title><p>We are sorry…</p>'
      return
    case 'cut-off':
      return cutOff(context)
    case 'hang':
      return untilTheClientLeaves(context)
    case 'latency':
      await latency(context, fault.ms)
      return answer()
    case 'redirect':
      context.redirect(fault.to)
      return
    case 'rewrite':
      await answer()
      context.type = 'application/json'
      context.body = JSON.stringify(fault.rewrite(bodySchema.parse(context.body)))
      return
  }
}

const bodySchema = z.record(z.string(), z.unknown())

/** Announces a longer body than it sends, so the client sees the connection end within the JSON. */
function cutOff(context: KoaContextWithOIDC): void {
  context.respond = false
  context.res.writeHead(200, { 'content-type': 'application/json', 'content-length': '2000' })
  context.res.write('{"access_token":"', () => context.res.destroy())
}

function untilTheClientLeaves(context: KoaContextWithOIDC): Promise<void> {
  context.respond = false
  return new Promise(resolve => context.res.once('close', resolve))
}

async function latency(context: KoaContextWithOIDC, ms: number): Promise<void> {
  const left = new AbortController()
  const onClose = () => left.abort()
  context.res.once('close', onClose)
  // A client that gave up doesn't need the rest of the delay; the response is dropped.
  await delay(ms, undefined, { signal: left.signal }).catch(() => undefined)
  context.res.off('close', onClose)
}
