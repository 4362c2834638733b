import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { createUnforeseenListener } from '../../src/cli/unforeseen.ts'
import { captureLog } from '../fixtures/captured-log.ts'

/** What an emitter throws when nobody listens to its `error` event. */
function thrownBy(error: unknown): unknown {
  try {
    new EventEmitter().emit('error', error)
  } catch (thrown) {
    return thrown
  }
  return undefined
}

const coded = (code: string, more = {}) => Object.assign(new Error(`canary ${code}`), { code, ...more })

describe('what nobody caught', () => {
  test.each<[string, unknown]>([
    ['a system call', thrownBy(coded('ECONNRESET', { syscall: 'read' }))],
    ['a request that was aborted', thrownBy(new DOMException('canary', 'AbortError'))],
    ['a request that took too long', thrownBy(new DOMException('canary', 'TimeoutError'))],
    ['undici', thrownBy(coded('UND_ERR_SOCKET'))],
    ['a wrapped failure', thrownBy(new TypeError('canary', { cause: coded('ECONNREFUSED') }))],
    ['TLS', thrownBy(coded('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'))],
    ['a stream that was written to after its end', thrownBy(coded('ERR_STREAM_WRITE_AFTER_END'))],
    ['a packed body that is none', thrownBy(coded('Z_DATA_ERROR'))],
  ])('ends no other account’s work when it is an error event of %s', (_what, thrown) => {
    const { log, lines, text } = captureLog()
    expect(createUnforeseenListener(log)(thrown, 'exception')).toBe('go on')
    expect(lines).toMatchObject([
      {
        level: 'error',
        kind: 'exception',
        count: 1,
        error: { code: expect.any(String) },
        msg: 'uncaught error of a connection; other work continues',
      },
    ])
    expect(text()).not.toContain('stack')
  })

  const unread = Object.assign(new Error('HTTP 400'), { message: ['no name'], stack: null })

  test.each([
    new TypeError('x is not a function'),
    new Error('assertion'),
    unread,
    thrownBy('a text'),
    undefined,
    null,
    4,
  ])(
    'ends no other account’s work when it is a rejection (%s), and the process when it broke off a callback',
    thrown => {
      const { log, lines } = captureLog()
      const listener = createUnforeseenListener(log)
      expect(listener(thrown, 'rejection')).toBe('go on')
      expect(listener(thrown, 'exception')).toBe('end')
      expect(lines).toMatchObject([
        { level: 'error', count: 1 },
        { level: 'fatal', count: 2 },
      ])
    },
  )

  test('names the login that a Postgres wants, which the driver throws', () => {
    const { log, lines } = captureLog()
    createUnforeseenListener(log)(new Error('Unknown authenticationOk message type 7'), 'exception')
    expect(lines).toMatchObject([{ error: { message: expect.stringMatching(/way to log in.*scram-sha-256/) } }])
  })
})
