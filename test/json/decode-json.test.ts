import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeJson } from '../../src/json/decode-json.ts'

const text = '{"city":"Zürich"}'

describe('a body of JSON', () => {
  test.each<[string, Buffer, string | null]>([
    ['UTF-8', Buffer.from(text), 'application/json'],
    ['UTF-8 without content type', Buffer.from(text), null],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${text}`), 'application/json'],
    ['UTF-8 that is called otherwise', Buffer.from(text), 'application/json; charset=ISO-8859-1'],
    ['UTF-8 in an encoding that nobody knows', Buffer.from(text), 'application/json; charset=canary'],
    ['Latin 1', Buffer.from(text, 'latin1'), 'application/json;charset="iso-8859-1"'],
    ['UTF-16', Buffer.from(text, 'utf16le'), 'application/json; charset=utf-16le'],
    ['UTF-16 with a byte order mark', Buffer.from(`\ufeff${text}`, 'utf16le'), 'application/json; Charset = UTF-16'],
  ])('in %s is read', (_encoding, body, contentType) => {
    expect(decodeJson(body, contentType)).toBe(text)
  })

  test.each([null, 'application/json', 'application/json; charset=utf-8', 'application/json; charset=canary'])(
    'in Latin 1 that does not say so is not read (%s)',
    contentType => {
      expect(decodeJson(Buffer.from(text, 'latin1'), contentType)).toBeUndefined()
    },
  )

  test('is read as it was written, or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        const read = decodeJson(bytes, null)
        if (read === undefined) return
        const mark = Buffer.from(bytes).subarray(0, 3).equals(Buffer.from('\ufeff')) ? 3 : 0
        expect(Buffer.from(read).equals(Buffer.from(bytes).subarray(mark))).toBe(true)
      }),
    )
  })
})
