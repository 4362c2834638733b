import { context, propagation, trace } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import type { Observer } from '../../src/observer/observer.ts'
import { createTraceObserver } from '../../src/traces/trace-observer.ts'

export interface CapturedSpans extends Disposable {
  readonly observer: Partial<Observer>
  /** Those of one trace, in the order in which they ended. */
  of(traceId: string): readonly ReadableSpan[]
  /** All that was written, as one text. */
  text(): string
}

/** Registers the real SDK as `--import` does, with all spans in memory, until it is disposed. */
export function captureSpans(): CapturedSpans {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  provider.register()
  return {
    observer: createTraceObserver(trace.getTracer('hasura-sync-worker')),
    of: traceId => exporter.getFinishedSpans().filter(span => span.spanContext().traceId === traceId),
    text: () =>
      JSON.stringify(
        exporter
          .getFinishedSpans()
          .map(({ name, attributes, status, events, links }) => ({ name, attributes, status, events, links })),
      ),
    [Symbol.dispose]() {
      for (const api of [trace, context, propagation]) api.disable()
    },
  }
}
