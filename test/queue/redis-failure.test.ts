import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { ConfigError, TransientError, WorkerError } from '../../src/errors.ts'
import { inspectRedis } from '../../src/queue/inspect-redis.ts'
import { redisConnection } from '../../src/queue/redis-connection.ts'
import { explainRedisFailure } from '../../src/queue/redis-failure.ts'
import { openTickets } from '../../src/queue/tickets.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { ensureCertificateAuthority, hasOpenssl } from '../services/certificates.ts'
import { findFreePort } from '../services/free-port.ts'
import type { ServiceHandle } from '../services/local-service.ts'
import { redisServer, startRedis } from '../services/start-redis.ts'

async function refusalOf(url: string): Promise<WorkerError> {
  const error: unknown = await inspectRedis(url).catch((thrown: unknown) => thrown)
  if (error instanceof WorkerError) return error
  throw new Error(`it was not refused: ${String(error)}`)
}

describe.runIf(redisServer)('a Redis that runs and refuses', () => {
  let server: ServiceHandle
  let admin: Redis
  beforeAll(async () => {
    server = await startRedis()
    admin = new Redis(server.url)
  })
  afterAll(async () => {
    admin.disconnect()
    await server[Symbol.asyncDispose]()
  })

  const withUser = (user: string, password = 'canary') => {
    const url = new URL(server.url)
    url.username = user
    url.password = password
    return url.href
  }
  const set = async (name: string, value: string) => void (await admin.config('SET', name, value))
  const allow = async (user: string, ...rules: string[]) =>
    void (await admin.acl('SETUSER', user, 'reset', 'on', '>canary', ...rules))

  interface Case {
    readonly what: string
    /** Default: that of the server. */
    readonly url?: () => string
    readonly arrange?: () => Promise<void>
    readonly restore?: () => Promise<void>
    readonly kind: typeof ConfigError | typeof TransientError
    readonly found: RegExp
    readonly remedy: RegExp
  }
  const cases: readonly Case[] = [
    {
      what: 'a full memory',
      arrange: () => set('maxmemory', '1'),
      restore: () => set('maxmemory', '0'),
      kind: TransientError,
      found: /has no memory left for requests \(OOM\)$/,
      remedy: /raise its maxmemory/,
    },
    {
      what: 'a replica',
      arrange: async () => void (await admin.replicaof('127.0.0.1', '9')),
      restore: async () => void (await admin.replicaof('NO', 'ONE')),
      kind: TransientError,
      found: /is a replica, which refuses writes \(READONLY\)$/,
      remedy: /name its primary/,
    },
    {
      what: 'a replica without its primary',
      arrange: async () => {
        await set('replica-serve-stale-data', 'no')
        await admin.replicaof('127.0.0.1', '9')
      },
      restore: async () => {
        await admin.replicaof('NO', 'ONE')
        await set('replica-serve-stale-data', 'yes')
      },
      kind: TransientError,
      found: /has lost its primary \(MASTERDOWN\)$/,
      remedy: /name its primary/,
    },
    {
      what: 'too few replicas',
      arrange: () => set('min-replicas-to-write', '1'),
      restore: () => set('min-replicas-to-write', '0'),
      kind: TransientError,
      found: /has too few replicas \(NOREPLICAS\)$/,
      remedy: /min-replicas-to-write/,
    },
    {
      what: 'a database number that there is not',
      url: () => `${server.url}/9999`,
      kind: ConfigError,
      found: /does not have the database number .*\(ERR DB index is out of range\)$/,
      remedy: /end REDIS_URL with \/0/,
    },
    {
      what: 'a user without a command',
      arrange: () => allow('few', '~*', '&*', '+@all', '-eval'),
      url: () => withUser('few'),
      kind: ConfigError,
      found: /does not give the user .*\(NOPERM .*'eval' command( or its subcommand)?\)$/,
      remedy: /ACL SETUSER/,
    },
    {
      what: 'a user whose scripts may not write',
      arrange: () => allow('reader', '~*', '&*', '+@all', '-set'),
      url: () => withUser('reader'),
      kind: ConfigError,
      found: /does not give the user/,
      remedy: /ACL SETUSER/,
    },
    {
      what: "a user without the queue's keys",
      arrange: () => allow('other', '~other:*', '&*', '+@all'),
      url: () => withUser('other'),
      kind: ConfigError,
      found: /\(NOPERM .* key/,
      remedy: /\{hasura-sync-worker\}/,
    },
    {
      what: 'a wrong password of a user',
      arrange: () => allow('worker', '~*', '&*', '+@all'),
      url: () => withUser('worker', 'canary-2'),
      kind: ConfigError,
      found: /refused the user or the password \(WRONGPASS\)$/,
      remedy: /correct them in REDIS_URL/,
    },
    {
      what: 'no password',
      arrange: () => set('requirepass', 'canary'),
      restore: () => set('requirepass', ''),
      kind: ConfigError,
      found: /requires a password \(NOAUTH\)$/,
      remedy: /redis:\/\/user:password@host/,
    },
  ]

  test.each(cases)('$what is told with its own remedy', async ({ url, arrange, restore, kind, found, remedy }) => {
    await arrange?.()
    try {
      const error = await refusalOf(url?.() ?? server.url)
      expect(error).toBeInstanceOf(kind)
      expect(error.found).toMatch(/^Redis at 127\.0\.0\.1:\d+ /)
      expect(error.found).toMatch(found)
      expect(error.remedy).toMatch(remedy)
      expect(error.message).not.toContain('canary')
    } finally {
      await restore?.()
    }
    expect(await inspectRedis(server.url)).toBeUndefined()
  })

  test('lets a user in with the rights that the remedy names', async () => {
    await allow('enough', '~{hasura-sync-worker}:*', '&*', '+@all', '-@admin', '-@dangerous', '+info')
    const deps = { clock: systemClock, log: captureLog().log }
    await using tickets = openTickets(withUser('enough'), deps)
    const taken = Promise.withResolvers<object>()
    await tickets.consume(async line => taken.resolve(line), 1)
    await tickets.add([{ account: 'default', job: 'sync-things', fence: '0' }])
    expect(await taken.promise).toEqual({ account: 'default', job: 'sync-things' })
    await tickets.ping()
  })

  test('is sent no HELLO, which Redis before 6.2.2 refuses to any user if the default user may do nothing', async () => {
    await allow('enough', '~{hasura-sync-worker}:*', '&*', '+@all', '-@admin', '-@dangerous', '+info')
    await admin.config('RESETSTAT')
    expect(await inspectRedis(withUser('enough'))).toBeUndefined()
    await using tickets = openTickets(withUser('enough'), { clock: systemClock, log: captureLog().log })
    await tickets.add([{ account: 'default', job: 'sync-things', fence: '1' }])
    const commands = await admin.info('commandstats')
    expect(commands).toContain('cmdstat_auth:')
    expect(commands).not.toContain('cmdstat_hello:')
  })

  test('accepts a password that it does not require, and nothing is printed about it', async () => {
    const printed = vi.spyOn(console, 'warn')
    onTestFinished(() => printed.mockRestore())
    expect(await inspectRedis(withUser(''))).toBeUndefined()
    expect(printed.mock.calls).toEqual([])
  })

  test('keeps tickets when it evicts what expires', async () => {
    await set('maxmemory-policy', 'volatile-lru')
    await using tickets = openTickets(server.url, { clock: systemClock, log: captureLog().log })
    try {
      await admin.flushall()
      expect(await inspectRedis(server.url)).toBeUndefined()
      await tickets.add([{ account: 'default', job: 'sync-things', fence: '0' }])
      await set('maxmemory', '1')
      await expect(tickets.add([{ account: 'default', job: 'sync-others', fence: '0' }])).rejects.toThrow('(OOM)')
      expect(await tickets.count()).toMatchObject({ waiting: 1 })
    } finally {
      await set('maxmemory', '0')
      await set('maxmemory-policy', 'noeviction')
    }
  })

  test('is told to producers, in the log and as not ready by its first word, without the address', async () => {
    const { log } = captureLog()
    await using tickets = openTickets(server.url, { clock: systemClock, log })
    await set('maxmemory', '1')
    try {
      const sentence = /^Redis has no memory left for requests \(OOM\): raise its maxmemory/
      await expect(tickets.add([{ account: 'default', job: 'sync-others', fence: '0' }])).rejects.toThrow(sentence)
      await expect(tickets.ping()).rejects.toThrow(sentence)
    } finally {
      await set('maxmemory', '0')
    }
    await tickets.ping()
  })
})

describe.runIf(redisServer && hasOpenssl)('a Redis that speaks TLS', () => {
  test('is told from one that does not, in either direction, and from one that nobody vouches for', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'redis-tls-'))
    const authority = ensureCertificateAuthority(folder)
    const { certificateFile, keyFile } = authority.issueForLoopback('redis')
    const tlsPort = await findFreePort()
    const tls = ['--tls-port', String(tlsPort), '--tls-cert-file', certificateFile, '--tls-key-file', keyFile]
    await using server = await startRedis([...tls, '--tls-ca-cert-file', authority.certificateFile])
    expect(await refusalOf(`rediss://127.0.0.1:${tlsPort}`)).toMatchObject({
      found: expect.stringContaining("the server's certificate is not trusted"),
      remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    })
    expect((await refusalOf(`redis://127.0.0.1:${tlsPort}`)).remedy).toContain('rediss://')
    expect((await refusalOf(server.url.replace('redis:', 'rediss:'))).remedy).toMatch(/redis:\/\//)
    const trusted = getCACertificates('default')
    onTestFinished(() => setDefaultCACertificates(trusted))
    setDefaultCACertificates([...trusted, authority.certificate])
    // As Redis is by default.
    expect((await refusalOf(`rediss://127.0.0.1:${tlsPort}`)).remedy).toContain('tls-auth-clients no')
    await rm(folder, { recursive: true })
  })
})

/** Those that a server can't be brought to in a test, in the words of Redis' source. */
test.each<[string, RegExp, RegExp]>([
  ['LOADING Redis is loading the dataset in memory', /is still loading its data \(LOADING\)$/, /wait/],
  ['CLUSTERDOWN The cluster is down', /\(CLUSTERDOWN\)$/, /--cluster check/],
  ['MOVED 3999 10.0.0.7:6381', /a node of a cluster.*\(MOVED\)$/, /without cluster mode/],
  ['MISCONF Redis is configured to save RDB snapshots, but it is currently unable to', /\(MISCONF\)$/, /its log/],
  ['DENIED Redis is running in protected mode because', /protected mode.*\(DENIED\)$/, /requirepass/],
  ['BUSY Redis is busy running a script.', /\(BUSY\)$/, /SCRIPT KILL/],
  ['ERR max number of clients reached', /accepts no more connections/, /maxclients/],
  ['ERR SELECT is not allowed in cluster mode', /only database 0/, /\/0/],
  ["ERR unknown command 'EVALSHA', with args beginning with: 'canary'", /lacks a command/, /6\.2.*Sentinel/],
  // Redis 6.0, Upstash, Alibaba Cloud, Redis Enterprise
  ['ERR Invalid stream ID specified as stream command argument', /lacks a command/, /6\.2/],
  ["ERR Command is not available: 'XADD'. See https://upstash.com/docs/redis/overall/compatibility", /lacks/, /6\.2/],
  ['ERR command eval not support for your account', /lacks a command/, /6\.2/],
  [
    'ERR Error running script (call to f_1): @user_script:19: @user_script: 19: This Redis command is not allowed from scripts',
    /lacks a command/,
    /6\.2/,
  ],
  [
    'ERR max requests limit exceeded. Limit: 500000, Usage: 500000. See https://upstash.com/docs/redis/troubleshooting',
    /used up what its plan allows \(ERR max requests limit/,
    /plan/,
  ],
  ['ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.', /used up what its plan allows/, /plan/],
  [
    "ERR ACL failure in script: User u has no permissions to run the 'set' command script: 91fb98f1f472072e36230bd1f864f688f3ab12cd, on @user_script:1.",
    /does not give the user .*'set' command\)$/,
    /ACL SETUSER/,
  ],
  [
    'ERR Error running script (call to f_1): @user_script:1: script tried accessing undeclared key, key: {q}:tickets:1',
    /of undeclared names/,
    /--default_lua_flags/,
  ],
  // Redis before version 7
  [
    "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.",
    /is a replica, which refuses writes \(READONLY\)$/,
    /name its primary/,
  ],
  [
    "ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -OOM command not allowed when used memory > 'maxmemory'.",
    /no memory left for requests \(OOM\)$/,
    /maxmemory/,
  ],
  ['ERR something else', /^Redis refused a command \(ERR something else\)$/, /log/],
])('%s is told by its words', (message, found, remedy) => {
  const reply = Object.assign(new Error(message), { name: 'ReplyError' })
  const failure = explainRedisFailure(reply, 'Redis')
  expect(failure.found).toMatch(found)
  expect(failure.remedy).toMatch(remedy)
  expect(failure.found).not.toContain('canary')
})

test.each([
  'could not renew lock for job north/sync-things/4',
  'Missing lock for job north/sync-things/4. moveToFinished',
  'Missing key for job north/sync-things/4. moveToFinished',
  'Lock mismatch for job north/sync-things/4. Cmd moveToFinished from active',
  'Job north/sync-things/4 is not in the active state. moveToFinished',
])('%s is no silence of Redis', words => {
  expect(explainRedisFailure(new Error(words), 'Redis')).toMatchObject({
    code: 'ticket-lost',
    found: expect.stringMatching(/^Redis no longer has a ticket .* no request is lost$/),
  })
})

test.each([
  ["READONLY You can't write against a read only replica.", 2],
  [
    "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.",
    2,
  ],
  ['ERR Error running script (call to f_1): @user_script:1: user_script:1: unknown', false],
  ['WRONGTYPE Operation against a key', false],
])('a connection that was told %s is reopened: %s', (message, reopened) => {
  expect(redisConnection('redis://localhost').reconnectOnError?.(new Error(message))).toBe(reopened)
})
