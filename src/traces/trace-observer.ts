import {
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { describeError } from '../log.ts'
import type { ObservedStep, Observer } from '../observer/observer.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import { describeClaim, describeStep } from './describe-step.ts'
import { readSpanContext, writeSpanContext } from './span-context.ts'

/**
 * SDKs check this key to see whether tracing is suppressed (`suppressTracing` of @opentelemetry/core). An exchange already has a
 * span and its `traceparent`: an instrumentation of undici would add both a second time.
 */
const suppressed = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/**
 * Makes a span of each step of a request or a run. As long as no SDK is registered with `@opentelemetry/api` they are no-ops.
 *
 * A request continues its caller's trace, unless it is made inside a span; a run, possibly in another process, continues the trace
 * of its request and is linked to those of absorbed requests. Everything else is traced only inside one of them.
 */
export function createTraceObserver(tracer: Tracer): Partial<Observer> {
  return {
    during(step, work) {
      // These runs belong to the traces of their requests, not to that of the caller that woke the line.
      if (step.kind === 'line') return context.with(ROOT_CONTEXT, () => work())
      const parent = findParent(step)
      if (!parent) return work()
      if (step.kind === 'run') traceClaim(tracer, step, parent)
      const { name, ...description } = describeStep(step)
      const span = tracer.startSpan(name, { ...description, links: linksOf(step), ...startOf(step) }, parent)
      const own = trace.setSpan(parent, span)
      const inside = step.kind === 'api' ? own.setValue(suppressed, true) : own
      return context.with(inside, () => endWith(span, work(writeSpanContext(span.spanContext()))))
    },
    requestAccepted(_line, { request, absorbed, absorber }) {
      const span = trace.getActiveSpan()
      span?.setAttributes({ 'messaging.message.id': request, 'hasura_sync.absorbed': absorbed })
      if (absorber) span?.addLink({ context: readSpanContext(absorber) })
    },
    runEnded(_run, how) {
      const span = trace.getActiveSpan()
      span?.setAttribute('hasura_sync.outcome', how.state)
      if (how.state !== 'succeeded') fail(span, how.error)
    },
    pageWritten(_run, { table, read, changed }) {
      trace.getActiveSpan()?.addEvent('page written', {
        'db.collection.name': `mirror.${table}`,
        'hasura_sync.rows.read': read,
        'hasura_sync.rows.changed': changed,
      })
    },
    messageSent(_run, { outcome }) {
      if (outcome !== 'delivered') failWith(trace.getActiveSpan(), outcome)
    },
    apiAsked(_account, { outcome, code = outcome, status }) {
      const span = trace.getActiveSpan()
      if (status !== undefined) span?.setAttribute('http.response.status_code', status)
      if (outcome !== 'done') failWith(span, code)
    },
  }
}

function findParent(step: ObservedStep): Context | undefined {
  const active = context.active()
  if (step.kind === 'run') return continueTrace(step.kept)
  if (trace.getSpan(active)) return active
  return step.kind === 'request' ? continueTrace(step.caller) : undefined
}

function continueTrace(headers: TraceHeaders | null | undefined): Context {
  return headers ? trace.setSpanContext(ROOT_CONTEXT, readSpanContext(headers)) : ROOT_CONTEXT
}

function linksOf(step: ObservedStep) {
  return step.kind === 'run' ? step.absorbed.map(headers => ({ context: readSpanContext(headers) })) : []
}

function startOf(step: ObservedStep): { startTime?: number } {
  return step.kind === 'request' && step.acceptedAt !== undefined ? { startTime: step.acceptedAt } : {}
}

/** Only a claim's result shows which trace it belongs to. */
function traceClaim(tracer: Tracer, step: ObservedStep & { readonly kind: 'run' }, parent: Context): void {
  const { name, ...description } = describeClaim(step.run)
  tracer.startSpan(name, { ...description, startTime: step.claimAskedAt }, parent).end()
}

async function endWith<T>(span: Span, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    fail(span, error)
    throw error
  } finally {
    span.end()
  }
}

function fail(span: Span | undefined, error: unknown): void {
  failWith(span, describeError(error).code)
}

/** Only the code: a message may contain words of a job's author. */
function failWith(span: Span | undefined, code: string): void {
  span?.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR })
}
