import { trace } from '@opentelemetry/api'
import { type Clock, settlesWithin } from '../time/clock.ts'

/** Milliseconds. */
const flushWithinMs = 1_000

/**
 * Has the SDK that is registered, if any, send what it has gathered: it sends in batches, and a process that ends would lose the
 * last one.
 */
export async function flushSpans(clock: Clock): Promise<void> {
  const registered = call(trace.getTracerProvider(), 'getDelegate')
  const flushed = call(registered, 'forceFlush')
  await settlesWithin(clock, flushWithinMs, Promise.resolve(flushed))
}

/** SDKs have methods that `@opentelemetry/api` doesn't name, and may have a copy of it that isn't ours. */
function call(target: unknown, name: string): unknown {
  const method: unknown = Object(target)[name]
  return typeof method === 'function' ? method.call(target) : undefined
}
