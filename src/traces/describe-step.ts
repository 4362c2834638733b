import { type Attributes, SpanKind } from '@opentelemetry/api'
import type { ApiQuestion, ObservedLine, ObservedStep } from '../observer/observer.ts'

/** The steps that are spans. */
export type TracedStep = Exclude<ObservedStep, { readonly kind: 'line' }>

export interface SpanDescription {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
}

/**
 * A step as a span, with the names of OpenTelemetry's semantic conventions for messaging, GraphQL, HTTP and databases
 * (https://opentelemetry.io/docs/specs/semconv/), and `hasura_sync.…` for what they have no name for. Nothing in it comes from a
 * payload, a row, a token, or a path that could hold one of them.
 */
export function describeStep(step: TracedStep): SpanDescription {
  switch (step.kind) {
    case 'request':
      return {
        name: `request ${step.line.job}`,
        kind: SpanKind.PRODUCER,
        attributes: { ...describeMessage('request', 'send', step.line), 'hasura_sync.trigger': step.trigger },
      }
    case 'tickets':
      return {
        name: 'send tickets',
        kind: SpanKind.PRODUCER,
        attributes: {
          'messaging.system': 'bullmq',
          'messaging.operation.name': 'send',
          'messaging.operation.type': 'send',
          'messaging.batch.message_count': step.count,
        },
      }
    case 'run':
      return {
        name: `run ${step.run.job}`,
        kind: SpanKind.CONSUMER,
        attributes: {
          ...describeMessage('run', 'process', step.run),
          'messaging.message.id': step.run.request,
          'hasura_sync.run': step.run.run,
          'hasura_sync.trigger': step.trigger,
          'hasura_sync.attempt': step.attempt,
        },
      }
    case 'api':
      return { name: nameQuestion(step), kind: SpanKind.CLIENT, attributes: describeQuestion(step) }
    case 'token':
      return { name: 'token', kind: SpanKind.CLIENT, attributes: { 'hasura_sync.account': step.account } }
    case 'message':
      return {
        name: 'POST',
        kind: SpanKind.CLIENT,
        attributes: { 'http.request.method': 'POST', ...describeAddress(step.url) },
      }
    case 'commit':
      return {
        name: 'commit',
        kind: SpanKind.CLIENT,
        attributes: {
          'db.system.name': 'postgresql',
          'db.operation.name': 'COMMIT',
          // The convention allows only one.
          ...(step.tables.length === 1 && { 'db.collection.name': `mirror.${step.tables[0]}` }),
        },
      }
  }
}

/** The exchange that claims a request of the line. */
export function describeClaim(line: ObservedLine): SpanDescription {
  return { name: `claim ${line.job}`, kind: SpanKind.CLIENT, attributes: describeMessage('claim', 'receive', line) }
}

function describeMessage(operation: string, type: string, { job, account }: ObservedLine): Attributes {
  return {
    'messaging.system': 'hasura_sync_worker',
    'messaging.operation.name': operation,
    'messaging.operation.type': type,
    'messaging.destination.name': job,
    'hasura_sync.account': account,
  }
}

/** Per the conventions for HTTP: only the method, unless something else has few values. */
function nameQuestion({ api, operation, name }: ApiQuestion): string {
  return api === 'hasura' && name !== undefined ? `${operation} ${name}` : operation
}

function describeQuestion({ api, operation, name, url }: ApiQuestion): Attributes {
  return {
    ...(api === 'hasura'
      ? { 'graphql.operation.type': operation, 'graphql.operation.name': name, 'http.request.method': 'POST' }
      : { 'http.request.method': operation }),
    ...describeAddress(url),
    'hasura_sync.api': api,
  }
}

function describeAddress(url: string): Attributes {
  const address = URL.parse(url)
  if (!address) return {}
  const { hostname, port, protocol } = address
  return { 'server.address': hostname, 'server.port': Number(port) || (protocol === 'https:' ? 443 : 80) }
}
