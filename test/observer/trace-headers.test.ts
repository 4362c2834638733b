import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTraceHeaders, traceIdOf } from '../../src/observer/trace-headers.ts'
import { readSpanContext, writeSpanContext } from '../../src/traces/span-context.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'
const valid = `00-${trace}-${span}-01`

describe('the trace of a caller', () => {
  test.each<[string, object, object | undefined]>([
    ['is read', { traceparent: valid }, { traceparent: valid }],
    ['has its state', { traceparent: valid, tracestate: 'a=1,b=2' }, { traceparent: valid, tracestate: 'a=1,b=2' }],
    ['has no state that is too long', { traceparent: valid, tracestate: 'a'.repeat(513) }, { traceparent: valid }],
    ['has no state of other characters', { traceparent: valid, tracestate: 'a=\u0007' }, { traceparent: valid }],
    ['may be of a later version', { traceparent: `cc-${trace}-${span}-01-more` }, { traceparent: valid }],
    ['is of no invalid version', { traceparent: `ff-${trace}-${span}-01` }, undefined],
    ['has nothing after the flags', { traceparent: `${valid}-more` }, undefined],
    ['is no state alone', { tracestate: 'a=1' }, undefined],
    ['is none', {}, undefined],
    ['is sent once', { traceparent: `${valid}, ${valid}` }, undefined],
    ['has an id', { traceparent: `00-${'0'.repeat(32)}-${span}-01` }, undefined],
    ['has a span', { traceparent: `00-${trace}-${'0'.repeat(16)}-01` }, undefined],
    ['is in small letters', { traceparent: valid.toUpperCase() }, undefined],
    ['is a text', { traceparent: 5 }, undefined],
  ])('%s', (_, headers, read) => {
    expect(parseTraceHeaders(headers)).toEqual(read)
  })

  test('is named by its id in the log', () => {
    expect(traceIdOf({ traceparent: valid })).toBe(trace)
  })

  test('is the same span when it is sent on', () => {
    const digits = (length: number) =>
      fc
        .uint8Array({ minLength: length / 2, maxLength: length / 2 })
        .map(bytes => Buffer.from(bytes).toString('hex'))
        .filter(text => !/^0*$/.test(text))
    fc.assert(
      fc.property(digits(32), digits(16), fc.constantFrom('00', '01'), (traceId, spanId, flags) => {
        const headers = { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: 'a=1' }
        expect(parseTraceHeaders(headers)).toEqual(headers)
        expect(writeSpanContext(readSpanContext(headers))).toEqual(headers)
      }),
    )
  })

  test('is none where nothing is traced', () => {
    const nobody = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }
    expect(writeSpanContext(nobody)).toBeUndefined()
  })
})
