import { RefusalError } from '../errors.ts'
import type { Answered } from './http-status.ts'

/** A response as far as it was read, and the length of the token that was sent. */
export interface AnsweredPage extends Answered {
  readonly body?: Uint8Array | undefined
  readonly tokenBytes?: number | undefined
}

/**
 * Whether a response is a page for people. An API that is asked for JSON sends none: a proxy, a firewall or a login in front of it
 * does, or a server that doesn't know the path. Some servers declare every response to be HTML, so the content must look like it.
 */
export function isPage({ headers, body }: AnsweredPage): boolean {
  const type = typeOf(headers)
  if (/^text\/plain/i.test(type)) return noServerWords.test(beginOf(body))
  return /^(?:text\/html|application\/xhtml)/i.test(type) && /^\s*</.test(beginOf(body))
}

/**
 * How proxies that know no server for a request say so with 404, also while one restarts: Traefik (as any program in Go that doesn't
 * know a path), ingress-nginx, Google Cloud, Cloud Foundry.
 */
const noServerWords =
  /^(?:404 page not found|default backend - 404|response 404 \(backend NotFound\)|404 Not Found: Requested route )/

/** 431 is from RFC 6585, 494 nginx's own; nginx, Apache and IIS answer 400 and say so in words, which aren't JSON. */
export function isHeaderTooLarge({ status, headers, body }: AnsweredPage): boolean {
  if (status === 431 || status === 494) return true
  return status === 400 && !/json/i.test(typeOf(headers)) && tooLargeWords.test(beginOf(body))
}

/** HAProxy and AWS's load balancers answer 400 with a page that gives no reason. So does a server that refuses a path, such as Tomcat. */
export function mayBeHeaderTooLarge(answer: AnsweredPage): boolean {
  const { status, tokenBytes = 0 } = answer
  return status === 400 && tokenBytes >= leastLimit && isPage(answer)
}

/** In bytes: HAProxy's buffer of 16 KB, less its reserve and the other headers. AWS allows as much. */
const leastLimit = 14_000

const tooLargeWords = /header[^<]{0,60}(?:too (?:large|long|big)|exceeds)|request too long/i

function typeOf(headers: AnsweredPage['headers']): string {
  return headers.get('content-type') ?? ''
}

function beginOf(body: Uint8Array = new Uint8Array()): string {
  return new TextDecoder().decode(body.subarray(0, 4_096))
}

/**
 * A refusal: nothing was executed, and the same token would be rejected again.
 *
 * @param refused begins the sentence: "GET /orders was refused"
 */
export function tokenTooLarge(refused: string, { status, tokenBytes }: AnsweredPage): RefusalError {
  const token = tokenBytes === undefined ? 'the token' : `the token of ${tokenBytes} bytes`
  return new RefusalError('claims', 'account', {
    found: `${refused} because its headers are too large (HTTP ${status}), mostly because of ${token}`,
    remedy:
      'raise the limit there (nginx: large_client_header_buffers 4 64k; Keycloak: QUARKUS_HTTP_LIMITS_MAX_HEADER_SIZE), or make the token smaller: turn off Full scope allowed for the client in Keycloak, or remove roles and mappers',
  })
}
