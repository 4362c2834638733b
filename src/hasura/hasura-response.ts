/** An HTTP response with its complete body. */
export interface HasuraResponse {
  readonly status: number
  readonly headers: Pick<Headers, 'get'>
  readonly body: Buffer
  /** Size of the request's bearer token, in bytes. */
  readonly tokenBytes?: number
  /** Secrets to redact in the response's messages. */
  readonly secrets?: readonly string[]
}
