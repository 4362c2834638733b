/** What has to be known of a request to say what its answer means. */
export interface ApiRequest {
  /** In capitals. */
  readonly method: string
  /** How messages call it, such as `GET /partner/orgs`; without the query, whose values can be data. */
  readonly name: string
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
