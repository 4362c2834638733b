import { isError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { describeNetworkFailure } from '../failures/network-failure.ts'
import { quoteForeign } from '../words/foreign-words.ts'

/** Why Redis can't be used. */
export interface RedisFailure extends Explanation {
  /** The first word of Redis' reply, or the system's error code; equal codes needn't be logged again. */
  readonly code: string
  /** Waiting doesn't help: REDIS_URL or the server's configuration must change. */
  readonly isConfiguration: boolean
}

/**
 * Explains Redis' errors. The first word of the reply decides (Redis documentation, "RESP: simple errors"; the words are in
 * `server.c`, `acl.c` and `cluster.c`).
 *
 * @param what how the message names the server
 */
export function explainRedisFailure(error: unknown, what: string): RedisFailure {
  if (isError(error) && isReply(error)) return explainReply(error.message, what)
  if (isError(error) && lostTicket.test(error.message)) return explainLostTicket(what)
  const { words, remedy, code } = describeNetworkFailure(error)
  const own = isError(error) ? ownErrors.find(([said]) => said.test(error.message)) : undefined
  return {
    code: code ?? 'no-answer',
    found: `${what} does not answer, ${own?.[1] ?? words}`,
    remedy: remedy ?? remedies.get(code ?? '') ?? own?.[2] ?? checkAddress,
    isConfiguration: code === 'ERR_SSL_WRONG_VERSION_NUMBER',
  }
}

/** Whether it is a reply of Redis rather than a connection error. ioredis doesn't export its class for replies. */
export function isReply(error: Error): boolean {
  return error.name === 'ReplyError'
}

/** What Redis answered to a command of a script. Before version 7, it puts the script's name and line in front. */
export function innerReply(message: string): string {
  return message.replace(/^ERR Error running script \([^)]*\):.*?: -(?=[A-Z]+ )/s, '')
}

/** `found` continues "Redis at localhost:6379 …". */
type Meaning = readonly [said: RegExp, found: string, remedy: string, isConfiguration?: true]

function explainReply(message: string, what: string): RedisFailure {
  const said = shorten(innerReply(message))
  const word = /^[A-Z]+/.exec(said)?.[0] ?? 'ERR'
  const meaning = replies.find(([reply]) => reply.test(said))
  const [, found, remedy, isConfiguration = false] = meaning ?? [undefined, 'refused a command', 'check its log']
  // A known error is quoted by its first word, except for what a user may not do. Errors that start with ERR have no such word.
  const quoted = meaning && word !== 'NOPERM' && word !== 'ERR' ? word : said
  return { code: word === 'ERR' ? said : word, found: `${what} ${found} (${quoted})`, remedy, isConfiguration }
}

/** Without values that the server may have been sent, and without the part that is the same for every script. */
function shorten(message: string): string {
  return quoteForeign(message.replace(/,? ?with args beginning with.*/s, '').replace(/ script: [0-9a-f]{40}.*/s, ''))
}

const namePrimary = 'name its primary in REDIS_URL, or wait until the failover is complete'

const replies: readonly Meaning[] = [
  [/^NOAUTH/, 'requires a password', 'add it to REDIS_URL: redis://user:password@host', true],
  [/^WRONGPASS/, 'refused the user or the password', 'correct them in REDIS_URL', true],
  [
    // The second is Redis', the third Valkey's, both for a command within a script.
    /^NOPERM|user executing the script can't|ACL failure in script/,
    'does not give the user of REDIS_URL the privileges that the queue needs',
    'grant it: ACL SETUSER <user> ~{hasura-sync-worker}:* &* +@all -@admin -@dangerous +info',
    true,
  ],
  [
    /^DENIED/,
    'runs in protected mode and accepts only connections from its own machine',
    'set a password in Redis (requirepass, or ACL SETUSER) and add it to REDIS_URL',
    true,
  ],
  [
    /^OOM/,
    'has no memory left for requests',
    'raise its maxmemory, or remove other data from it; the worker resumes automatically',
  ],
  [/^READONLY/, 'is a replica, which refuses writes', namePrimary],
  [/^MASTERDOWN/, 'is a replica that has lost its primary', namePrimary],
  [/^LOADING/, 'is still loading its data', 'wait; the worker resumes automatically'],
  [
    /^MISCONF/,
    "can't save its data to disk and refuses writes until it can",
    'check its log, and disk space and permissions of its data folder',
  ],
  [
    /^NOREPLICAS/,
    'refuses writes while it has too few replicas',
    'restore its replicas, or lower min-replicas-to-write',
  ],
  [
    /^CLUSTERDOWN/,
    'is part of a cluster that is down',
    'check it with redis-cli --cluster check; the worker resumes automatically',
  ],
  [
    /^(MOVED|ASK|CROSSSLOT|TRYAGAIN)/,
    'is a node of a cluster, and the keys of the queue belong to another one',
    'name a Redis without cluster mode in REDIS_URL',
    true,
  ],
  [/^BUSY\b/, 'is busy with a script', 'stop it with SCRIPT KILL'],
  [
    /max number of clients/,
    'accepts no more connections',
    'raise its maxclients, or find out which client has so many',
  ],
  [
    /DB index is out of range|invalid DB index/,
    'does not have the database number in REDIS_URL',
    'end REDIS_URL with /0, or raise "databases" in the configuration of Redis',
    true,
  ],
  [/SELECT is not allowed in cluster mode/, 'is a cluster, which has only database 0', 'end REDIS_URL with /0', true],
  [
    /max (?:daily )?requests? limit exceeded/,
    'has used up what its plan allows',
    'raise the limit of its plan, or name another Redis in REDIS_URL',
  ],
  [
    /undeclared key/,
    "doesn't let scripts use keys of undeclared names",
    'start Dragonfly with --default_lua_flags=allow-undeclared-keys, or use Redis',
    true,
  ],
  [
    // The last one is what Redis before 6.2 says to NOMKSTREAM.
    /unknown command|Command is not available|not support|not allowed from script|Invalid stream ID/,
    'lacks a command that the queue needs',
    'use Redis 6.2 or later, with none of its commands renamed or disabled; if it is a Sentinel, name the primary itself',
    true,
  ],
]

/** BullMQ's own errors about a ticket that a worker is serving. */
const lostTicket =
  /^could not renew lock for job |^Missing (?:lock|key) for job |^Lock mismatch for job |^Job .* is not in the active state/s

function explainLostTicket(what: string): RedisFailure {
  return {
    code: 'ticket-lost',
    found: `${what} no longer has a ticket that this worker is serving, or gave it to another worker; no request is lost`,
    remedy:
      'after a failover or a flush nothing is to be done; otherwise look for what deletes keys there, or for a job that blocks the event loop for 10 seconds',
    isConfiguration: false,
  }
}

const checkAddress = 'check that it is running and that REDIS_URL names it'
const checkWay = `${checkAddress}; if it does, look for a firewall that drops the packets, or a DNS server that does not answer`
/** A Redis that requires a certificate of its clients often closes before its alert is read. */
const checkTls = `${checkAddress}; if that port expects TLS, start REDIS_URL with rediss://; if that is done, let Redis accept clients without a certificate (tls-auth-clients no)`

/** ioredis' own errors, which have no code. */
const ownErrors: readonly Meaning[] = [
  [/timed out|timeout|ETIMEDOUT/i, 'no response arrived in time', checkWay],
  [/Connection is closed/, 'the connection was closed without a response', checkTls],
  [/max retries per request/, 'there is no connection', checkAddress],
]

const remedies: ReadonlyMap<string, string> = new Map([
  ['ECONNRESET', checkTls],
  ['EPIPE', checkTls],
  ['ETIMEDOUT', `${checkWay}; if that port expects no TLS, start REDIS_URL with redis://`],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'start REDIS_URL with redis://, or name the port that expects TLS'],
])
