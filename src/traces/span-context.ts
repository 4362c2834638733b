import { createTraceState, isSpanContextValid, type SpanContext, TraceFlags } from '@opentelemetry/api'
import { type TraceHeaders, traceIdOf } from '../observer/trace-headers.ts'

/** The span in a caller's headers. */
export function readSpanContext(headers: TraceHeaders): SpanContext {
  const { traceparent, tracestate } = headers
  return {
    traceId: traceIdOf(headers),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53, 55), 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  }
}

/** A span's headers; undefined for a no-op span, when nothing is traced. */
export function writeSpanContext(span: SpanContext): TraceHeaders | undefined {
  if (!isSpanContextValid(span)) return undefined
  const tracestate = span.traceState?.serialize() || undefined
  const flags = span.traceFlags.toString(16).padStart(2, '0')
  return { traceparent: `00-${span.traceId}-${span.spanId}-${flags}`, ...(tracestate !== undefined && { tracestate }) }
}
