/**
 * Registers an SDK when a process loads it by `--import`: spans are gathered in batches, and each that is exported becomes a line of
 * the file that `SPANS_FILE` names.
 */
import { appendFileSync } from 'node:fs'
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node'

const file = process.env.SPANS_FILE ?? ''
const exporter: SpanExporter = {
  export(spans, done) {
    for (const span of spans) {
      const { traceId, spanId } = span.spanContext()
      const line = { name: span.name, traceId, spanId, parentId: span.parentSpanContext?.spanId }
      appendFileSync(file, `${JSON.stringify(line)}\n`)
    }
    done({ code: 0 })
  },
  shutdown: async () => {},
}
new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }).register()
