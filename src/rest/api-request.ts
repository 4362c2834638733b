/** What is needed about a request to interpret its response. */
export interface ApiRequest {
  /** In upper case. */
  readonly method: string
  /** How messages name it, such as `GET /partner/orgs`; without the query, whose values may be data. */
  readonly name: string
  /** What to check if something else answers, or nothing does; continues "check". */
  readonly address: string
  /**
   * Whether the request has an `Idempotency-Key`, by which the API recognizes a repetition
   * (draft-ietf-httpapi-idempotency-key-header).
   */
  readonly keyed: boolean
  /** Whether an earlier try of the same request may have been carried out. */
  readonly repeated: boolean
}

/** RFC 9110, section 9.2.2. */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** Whether sending the request twice has the same effect as sending it once. */
export function isRepeatable({ method, keyed }: Pick<ApiRequest, 'method' | 'keyed'>): boolean {
  return keyed || idempotentMethods.has(method)
}
