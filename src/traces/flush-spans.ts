import { trace } from '@opentelemetry/api'
import { type Clock, settlesWithin } from '../time/clock.ts'

/** Milliseconds. */
const flushWithinMs = 1_000

/**
 * Makes the registered SDK, if any, send its last batch, which would be lost when the process ends.
 */
export async function flushSpans(clock: Clock): Promise<void> {
  const registered = call(trace.getTracerProvider(), 'getDelegate')
  const flushed = call(registered, 'forceFlush')
  await settlesWithin(clock, flushWithinMs, Promise.resolve(flushed))
}

/** SDKs have methods that `@opentelemetry/api` doesn't declare, and may use another copy of it. */
function call(target: unknown, name: string): unknown {
  const method: unknown = Object(target)[name]
  return typeof method === 'function' ? method.call(target) : undefined
}
