import { inspect } from 'node:util'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { Token } from '../../src/auth/token.ts'

describe('a token', () => {
  const token = new Token('canary-value', 1_000, 'canary-refresh')

  test('gives its parts to who asks for them', () => {
    expect([token.value, token.expiresAt, token.refreshToken]).toEqual(['canary-value', 1_000, 'canary-refresh'])
  })

  test.each<[string, (value: unknown) => string]>([
    ['JSON', value => JSON.stringify({ value })],
    ['inspect', value => inspect({ value }, { showHidden: true, depth: 9 })],
    ['a template', value => `${value}`],
    ['String', value => String(value)],
    ['spreading', value => JSON.stringify(Object(value) === value ? { ...Object(value) } : {})],
    ['keys', value => Reflect.ownKeys(Object(value)).join()],
  ])('is not shown by %s', (_name, show) => {
    expect(show(token)).not.toContain('canary')
  })

  test('is not shown by the logger', () => {
    const lines: string[] = []
    const log = pino({}, { write: line => lines.push(line) })
    log.info({ token, nested: { token } }, 'hello')
    expect(lines.join()).toContain('[token]')
    expect(lines.join()).not.toContain('canary')
  })
})
