import { isIP } from 'node:net'

/**
 * Parses `redis[s]://[user:password@]host[:port][/db]`. ioredis silently takes any other scheme as a host name, so it is refused
 * here.
 *
 * @throws Error with a message that doesn't repeat the URL, which may contain a password
 */
export function parseRedisUrl(text: string) {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || !url.hostname) {
    throw new Error('must look like redis://host:6379/0, or rediss:// for TLS')
  }
  const db = url.pathname.slice(1)
  if (db && !/^\d+$/.test(db)) throw new Error(`names database "${db}" where a number such as /0 is needed`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return {
    host,
    port: url.port ? Number(url.port) : 6379,
    db: db ? Number(db) : 0,
    // AUTH instead of HELLO, which Redis before 6.2.2 and ElastiCache refuse if the default user may do nothing, and proxies don't know.
    protocol: 2 as const,
    // A password alone means this user. ioredis writes to the console if such a password isn't needed.
    ...((url.username || url.password) && { username: decodeURIComponent(url.username) || 'default' }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    // ioredis names no server itself (SNI), and what stands before several of them can't tell which is meant.
    ...(url.protocol === 'rediss:' && { tls: isIP(host) === 0 ? { servername: host } : {} }),
  }
}
