import { describe, expect, test } from 'vitest'
import { parseRedisUrl } from '../../src/queue/redis-url.ts'

describe('parseRedisUrl', () => {
  test.each([
    ['redis://localhost', { host: 'localhost', port: 6379, db: 0 }],
    ['redis://redis.example:6380/12', { host: 'redis.example', port: 6380, db: 12 }],
    ['rediss://redis.example/', { host: 'redis.example', port: 6379, db: 0, tls: { servername: 'redis.example' } }],
    // TLS names no server by an address (RFC 6066, section 3).
    ['rediss://10.0.0.7/', { host: '10.0.0.7', port: 6379, db: 0, tls: {} }],
    ['rediss://[::1]/', { host: '::1', port: 6379, db: 0, tls: {} }],
    ['redis://user:p%40ss%2F@host/1', { host: 'host', port: 6379, db: 1, username: 'user', password: 'p@ss/' }],
    [
      'redis://:only-password@host',
      { host: 'host', port: 6379, db: 0, username: 'default', password: 'only-password' },
    ],
    ['redis://[::1]:6379/3', { host: '::1', port: 6379, db: 3 }],
  ])('reads %s', (url, address) => {
    expect(parseRedisUrl(url)).toEqual({ protocol: 2, ...address })
  })

  test.each(['localhost:6379', 'http://user:secret@host', 'valkey://user:secret@host', 'redis://', 'redis:///0', ''])(
    'refuses "%s" without repeating it',
    url => {
      expect(() => parseRedisUrl(url)).toThrow('must look like redis://host:6379/0')
    },
  )

  test('refuses a database that is no number', () => {
    expect(() => parseRedisUrl('redis://user:secret@host/main')).toThrow('names database "main"')
  })
})
