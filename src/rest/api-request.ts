/** What has to be known of a request to say what its answer means. */
export interface ApiRequest {
  /** In capitals. */
  readonly method: string
  /** Below the API's base URL and without its query, so that it can stand in a message. */
  readonly path: string
  /**
   * Whether the request comes with an `Idempotency-Key`, by which the API knows a second one for the first
   * (draft-ietf-httpapi-idempotency-key-header).
   */
  readonly keyed: boolean
  /** Whether an earlier try of the same request may have been carried out. */
  readonly repeated: boolean
}

/** RFC 9110, section 9.2.2. */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** Whether sending the request twice does no more than sending it once. */
export function isRepeatable({ method, keyed }: Pick<ApiRequest, 'method' | 'keyed'>): boolean {
  return keyed || idempotentMethods.has(method)
}

/** How messages call it: `GET /partner/orgs`. */
export function showRequest({ method, path }: Pick<ApiRequest, 'method' | 'path'>): string {
  return `${method} ${path}`
}
