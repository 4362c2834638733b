import { z } from 'zod'
import { isError, isTimeout } from '../errors.ts'
import { describeRefusedTunnel, proxyRemedy, tunnelRemedy } from './proxy-failure.ts'

/** A failure below HTTP, in words without any part of a request or response. */
export interface NetworkFailure {
  /** Continues "…: the connection was refused". */
  readonly words: string
  /**
   * Whether the request can't have reached the server: nothing listened, no such host, no TLS session, it was never sent, or a check for
   * bots kept it.
   */
  readonly neverSent: boolean
  /** Whether the request's own timeout ended it. */
  readonly isTimeout?: boolean
  /** What to do about it, if the code is enough to tell. */
  readonly remedy?: string
  /** Code of Node, undici or OpenSSL; undefined without one. */
  readonly code?: string
}

/**
 * Describes what an exchange, or `fetch`, threw. An error without a code gets that of its cause, or of the errors in an AggregateError,
 * as for a host with several addresses. Only codes are shown, because a cause can hold a piece of the response (undici's parser errors
 * do).
 */
export function describeNetworkFailure(error: unknown): NetworkFailure {
  const refused = findCause(error, refusedTunnel)
  if (refused) return { code: refused.code, neverSent: true, ...describeRefusedTunnel(refused.statusCode) }
  const failure = describeFailure(error)
  if (!findCause(error, ofProxy)) return failure
  const words = `the proxy can't be reached, ${failure.words}`
  return { ...failure, words, neverSent: true, remedy: failure.remedy ?? proxyRemedy }
}

function describeFailure(error: unknown): NetworkFailure {
  if (isTimeout(error)) {
    return { words: 'no complete response arrived in time', neverSent: false, isTimeout: true }
  }
  const isMarked = findCause(error, marked) !== undefined
  if (isMarked && findCause(error, timedOut)) return { words: noConnection, neverSent: true, remedy: connectRemedy }
  const code = findCode(error, 5)
  if (code === undefined) return { words: 'the connection failed', neverSent: isMarked }
  const known = failures.get(code)
  if (known) {
    const words = `${known} (${code})`
    const neverSent = isMarked || connectCodes.has(code)
    const remedy = networkRemedies.get(code)
    return { code, words, neverSent, ...(remedy !== undefined && { remedy }) }
  }
  if (code === botCheckCode)
    return { code, words: `a check for bots answered instead (${code})`, neverSent: true, remedy: botCheckRemedy }
  const refused = tunnel.get(code)
  if (refused) return { code, words: `${refused} (${code})`, neverSent: true, remedy: tunnelRemedy }
  const odd = unreadable.get(code)
  if (odd) return { code, words: `${odd} (${code})`, neverSent: false, remedy: unreadableRemedy }
  if (certificateCode.test(code)) {
    const words = `the server's certificate is not trusted (${code})`
    return { code, words, neverSent: true, remedy: certificateRemedies.get(code) ?? trustRemedy }
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    const remedy = handshakeRemedies.find(([pattern]) => pattern.test(code))?.[1] ?? handshakeRemedy
    return { code, words: `TLS failed (${code})`, neverSent: isMarked, remedy }
  }
  return { code, words: `the connection failed (${code})`, neverSent: isMarked }
}

/** Whether the network or the peer was unreachable, so that a later try may succeed. */
export function isLostNetwork(error: unknown): boolean {
  const { code } = describeNetworkFailure(error)
  return code !== undefined && (failures.has(code) || tunnel.has(code)) && code !== 'ERR_SSL_WRONG_VERSION_NUMBER'
}

/**
 * Whether an error means that a connection or stream ended: by a code of Node or undici, a system call, or an abort.
 */
export function isConnectionFailure(error: unknown): boolean {
  if (!isError(error)) return false
  if (error.name === 'AbortError' || isTimeout(error) || 'syscall' in error) return true
  const { code } = describeNetworkFailure(error)
  return code !== undefined && (failures.has(code) || connectionCode.test(code))
}

const connectionCode = /^(?:UND_ERR_|ERR_PROXY_|ERR_SSL_|ERR_TLS_|ERR_STREAM_|ERR_HTTP|ERR_SOCKET_|HPE_|Z_)/

const noConnection = 'no connection was established in time'

const failures: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'the connection was refused'],
  ['ENOTFOUND', 'the host does not exist'],
  ['EAI_AGAIN', 'the host name could not be resolved'],
  ['EHOSTUNREACH', 'the host is unreachable'],
  ['ENETUNREACH', 'the network is unreachable'],
  ['UND_ERR_CONNECT_TIMEOUT', noConnection],
  ['ECONNRESET', 'the connection was cut off'],
  ['EPIPE', 'the connection was cut off'],
  ['UND_ERR_SOCKET', 'the connection was cut off'],
  ['UND_ERR_HEADERS_TIMEOUT', 'no response arrived in time'],
  ['UND_ERR_BODY_TIMEOUT', 'the response did not end in time'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'the response was cut off'],
  ['ETIMEDOUT', 'no response arrived in time'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'the server does not speak TLS there'],
])

/** The time includes that of looking the name up. */
const connectRemedy =
  'check that the server runs at that address, and look for a firewall or a network policy that drops the packets, or a DNS server or a proxy that does not answer'

const networkRemedies: ReadonlyMap<string, string> = new Map([
  [
    'EAI_AGAIN',
    'check the DNS servers that this machine or container asks; in Kubernetes, also look for a network policy that keeps it from them',
  ],
  ['UND_ERR_CONNECT_TIMEOUT', connectRemedy],
  // Mostly met in containers without IPv6.
  [
    'ENETUNREACH',
    'check the routes of this machine; if that host has only IPv6 addresses, enable IPv6 here, or use an address with IPv4',
  ],
])

/** By OpenSSL's codes, which follow the alert that the server sent. */
const handshakeRemedies: readonly (readonly [code: RegExp, remedy: string])[] = [
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|LEGACY_RENEGOTIATION/,
    'enable TLS 1.2 or 1.3 at that server, or at the proxy that inspects TLS in front of it, because it speaks only older TLS',
  ],
  [
    /CERTIFICATE_REQUIRED/,
    'let that server accept clients without a certificate (Redis: tls-auth-clients no), because this worker has one only for logins',
  ],
  [/NO_APPLICATION_PROTOCOL/, 'let that server, or the proxy in front of it, speak HTTP/1.1 too'],
  [/UNRECOGNIZED_NAME/, 'use a host name that the server knows, because it has no certificate for this one'],
  // Of a certificate that Node itself should send; a server's fails verification.
  [
    /(?:EE|CA)_(?:KEY_TOO_SMALL|MD_TOO_WEAK)/,
    'replace the client certificate by one with an RSA key of 2048 bits or more and SHA-256, because it is too weak',
  ],
]

const handshakeRemedy =
  'look for TLS errors in the log of that server, and of proxies and firewalls in front of it that inspect TLS'

/** A proxy that makes no connection to the server, and doesn't say why. */
const tunnel: ReadonlyMap<string, string> = new Map([
  ['ERR_PROXY_TUNNEL', 'the proxy did not connect to the server'],
  ['UND_ERR_PRX_CONN', 'the proxy closed the connection before it connected to the server'],
])

/** Of a response in which something in front of the server asks for a browser (`outgoing/bot-check.ts`). */
export const botCheckCode = 'BOT_CHECK'

export const botCheckRemedy =
  'make the firewall in front of that server let this worker through without a challenge, such as by a rule for its address (Cloudflare: Skip; AWS WAF: Allow; Vercel: Bypass)'

/** undici's, whose code is set only sometimes. */
const parserError = 'HTTPParserError'

/** A response that arrived but can't be read. */
const unreadable: ReadonlyMap<string, string> = new Map([
  ['UNKNOWN_CONTENT_ENCODING', "the response has a Content-Encoding that wasn't requested"],
  ['BROKEN_COMPRESSION', 'the response is not compressed as its Content-Encoding says'],
  ['UND_ERR_HEADERS_OVERFLOW', "the response's headers are larger than 16 KB"],
  [parserError, 'the response violates HTTP'],
])

const unreadableRemedy = 'check the proxies between the worker and that server'

const connectCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_SSL_WRONG_VERSION_NUMBER',
])

/** Codes of a certificate that fails verification: OpenSSL's X509 codes and Node's own for a wrong host name. */
const certificateCode =
  /^(?:CERT_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT_|INVALID_(?:CA|PURPOSE)$|PATH_LENGTH_EXCEEDED$|UNSPECIFIED$)/

/** For a certificate of an unknown authority. */
export const trustRemedy = "set NODE_EXTRA_CA_CERTS to the file with its authority's certificate, and restart"

const authorityRemedy =
  'give that server a certificate from an authority that may issue it, by CA:TRUE and the path length in its basicConstraints'

const certificateRemedies: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'renew the certificate of that server, or correct the clock of this machine'],
  // Node knows the authority of most such servers, which don't send what lies between; browsers have it from elsewhere.
  [
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    `have the server send its intermediate certificates as well (nginx: fullchain.pem); if its authority is your own, ${trustRemedy}`,
  ],
  ['CERT_NOT_YET_VALID', 'correct the clock of this machine, or of the one that issued the certificate'],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'use the host name of its certificate, or give the server a certificate for this name',
  ],
  // Node has no code for a weak key or signature, nor for some rare reasons.
  [
    'UNSPECIFIED',
    'give that server and its authority certificates with RSA keys of 2048 bits or more and SHA-256; if they have, "openssl s_client -connect HOST:PORT" tells the reason',
  ],
  [
    'INVALID_PURPOSE',
    'give that server a certificate with extendedKeyUsage serverAuth, from an authority with basicConstraints CA:TRUE',
  ],
  ['INVALID_CA', authorityRemedy],
  ['PATH_LENGTH_EXCEEDED', authorityRemedy],
])

/** A proxy's answer, as told by Node and `createProxyClient`. */
const refusedTunnel = z.object({ code: z.literal('ERR_PROXY_TUNNEL'), statusCode: z.number() })
const ofProxy = z.object({ isOfProxy: z.literal(true) })
/** A request that failed before it was sent (`markUnsent`). */
const marked = z.object({ neverSent: z.literal(true) })
const timedOut = z.object({ name: z.literal('TimeoutError') })
const named = z.object({ name: z.literal(parserError) })
const coded = z.object({ code: z.string().regex(/^[A-Z][A-Z0-9_/]{2,60}$/) })
const caused = z.object({ cause: z.unknown() })
const aggregated = z.object({ errors: z.array(z.unknown()) })

/** The error, or the first of its causes, that has a shape. */
function findCause<T>(error: unknown, shape: z.ZodType<T>, depth = 5): T | undefined {
  if (depth === 0 || typeof error !== 'object' || error === null) return undefined
  return shape.safeParse(error).data ?? findCause(caused.safeParse(error).data?.cause, shape, depth - 1)
}

function findCode(error: unknown, depth: number): string | undefined {
  if (depth === 0 || typeof error !== 'object' || error === null) return undefined
  if (named.safeParse(error).success) return parserError
  const several = aggregated.safeParse(error).data?.errors.map(each => findCode(each, depth - 1))
  const telling = several?.find(code => code !== undefined && !noRoute.has(code))
  if (telling !== undefined) return telling
  const own = coded.safeParse(error)
  if (own.success) return own.data.code
  return several?.find(code => code !== undefined) ?? findCode(caused.safeParse(error).data?.cause, depth - 1)
}

/** What a machine without IPv6 says about the one address of several that it can't use anyway. */
const noRoute: ReadonlySet<string> = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])
