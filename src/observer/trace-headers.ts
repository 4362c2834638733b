import { z } from 'zod'

/** The trace and the parent span, as headers of W3C Trace Context (https://www.w3.org/TR/trace-context/). */
export interface TraceHeaders {
  /** `00-<trace id>-<span id>-<flags>`: 32, 16 and 2 hexadecimal digits. */
  readonly traceparent: string
  readonly tracestate?: string
}

/** Version, trace id, span id, flags; a later version may add more. Ids of zeros are invalid. */
const parentPattern = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(-.*)?$/
/** Printable characters, of the length that every participant must pass on. */
const statePattern = /^[\x20-\x7e]{1,512}$/

const headersSchema = z.object({
  traceparent: z.string().max(512).regex(parentPattern),
  tracestate: z.string().regex(statePattern).optional().catch(undefined),
})

/** Parses a caller's headers. Invalid ones are ignored completely, as the specification requires. */
export function parseTraceHeaders(headers: object): TraceHeaders | undefined {
  const { data } = headersSchema.safeParse(headers)
  const [, version, ids, more] = parentPattern.exec(data?.traceparent ?? '') ?? []
  if (!data || ids === undefined || (version === '00' && more !== undefined)) return undefined
  return { traceparent: `00-${ids}`, ...(data.tracestate !== undefined && { tracestate: data.tracestate }) }
}

/** 32 hexadecimal digits. */
export function traceIdOf({ traceparent }: TraceHeaders): string {
  return traceparent.slice(3, 35)
}
