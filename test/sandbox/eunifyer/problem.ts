import type { RestReply } from '../rest/rest-server.ts'

const problems = {
  validation_error: [400, 'Validation Error'],
  unauthorized: [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  not_found: [404, 'Not Found'],
  conflict: [409, 'Conflict'],
  rate_limit_exceeded: [429, 'Too Many Requests'],
  service_unavailable: [503, 'Service Unavailable'],
} as const

/** An error as EUnifyer writes it (RFC 9457; docs.eunifyer.com/developer/guides/errors). */
export function problem(code: keyof typeof problems, detail: string, more: Record<string, unknown> = {}): RestReply {
  const [status, title] = problems[code]
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: { type: `https://problems.eunifyer.com/${code}`, title, status, detail, code, ...more },
  }
}
