import type { Explanation } from '../errors.ts'
import { describeNetworkFailure } from '../failures/network-failure.ts'
import { quoteForeign } from '../words/foreign-words.ts'

/** Why a Redis can't be used. */
export interface RedisFailure extends Explanation {
  /** The first word of Redis' answer, or the system's code: what is the same again needn't be logged again. */
  readonly code: string
  /** Waiting doesn't help: REDIS_URL, or the server's own configuration, has to change. */
  readonly isConfiguration: boolean
}

/**
 * What Redis' own words mean and what to do about them. The first word of its answer decides (Redis documentation, "RESP:
 * simple errors"; the words are in `server.c`, `acl.c` and `cluster.c`).
 *
 * @param what how the sentence calls the server
 */
export function explainRedisFailure(error: unknown, what: string): RedisFailure {
  if (error instanceof Error && isReply(error)) return explainReply(error.message, what)
  const { words, remedy, code } = describeNetworkFailure(error)
  const own = error instanceof Error ? ownErrors.find(([said]) => said.test(error.message)) : undefined
  return {
    code: code ?? 'no-answer',
    found: `${what} does not answer, ${own?.[1] ?? words}`,
    remedy: remedy ?? remedies.get(code ?? '') ?? own?.[2] ?? checkAddress,
    isConfiguration: code !== undefined && wrongAddress.has(code),
  }
}

/** An answer of Redis, and no failure of the connection. ioredis' class for it isn't exported. */
export function isReply(error: Error): boolean {
  return error.name === 'ReplyError'
}

interface Meaning {
  /** Continues "Redis at localhost:6379 …". */
  readonly found: string
  readonly remedy: string
  readonly isConfiguration?: true
}

function explainReply(message: string, what: string): RedisFailure {
  const said = shorten(message)
  const word = /^[A-Z]+/.exec(said)?.[0] ?? 'ERR'
  const meaning = words.get(word) ?? sentences.find(([sentence]) => sentence.test(said))?.[1]
  // Of what has a meaning the word is enough, but for what a user may not do.
  const quoted = meaning && word !== 'NOPERM' && word !== 'ERR' ? word : said
  const {
    found,
    remedy,
    isConfiguration = false,
  } = meaning ?? { found: 'refused a command', remedy: 'look at its log' }
  return { code: word === 'ERR' ? said : word, found: `${what} ${found} (${quoted})`, remedy, isConfiguration }
}

/** Without what the server may have been sent, and without what is the same for every script. */
function shorten(message: string): string {
  return quoteForeign(message.replace(/,? ?with args beginning with.*/s, '').replace(/ script: .*/s, ''))
}

const grantRights: Meaning = {
  found: 'does not let the user of REDIS_URL do what the queue needs',
  remedy: 'grant it: ACL SETUSER <user> ~{hasura-sync-worker}:* &* +@all -@admin -@dangerous +info',
  isConfiguration: true,
}

const namePrimary = 'name its primary in REDIS_URL, or wait for the end of a failover'

const words: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  [
    'NOAUTH',
    { found: 'wants a password', remedy: 'give it in REDIS_URL: redis://user:password@host', isConfiguration: true },
  ],
  [
    'WRONGPASS',
    { found: 'refused the user or the password', remedy: 'correct them in REDIS_URL', isConfiguration: true },
  ],
  ['NOPERM', grantRights],
  [
    'DENIED',
    {
      found: 'runs in protected mode and takes connections of its own machine alone',
      remedy: 'set a password there (requirepass, or ACL SETUSER) and give it in REDIS_URL',
      isConfiguration: true,
    },
  ],
  [
    'OOM',
    {
      found: 'has no memory left for requests',
      remedy: 'raise its maxmemory, or remove what else it holds; the worker resumes automatically',
    },
  ],
  ['READONLY', { found: 'is a replica, which takes no writes', remedy: namePrimary }],
  ['MASTERDOWN', { found: 'is a replica that has lost its primary', remedy: namePrimary }],
  ['LOADING', { found: 'is still loading its data', remedy: 'wait; the worker resumes automatically' }],
  [
    'MISCONF',
    {
      found: "can't save its data to disk and takes no writes until it can",
      remedy: 'look at its log, and for space and permissions in its data folder',
    },
  ],
  [
    'NOREPLICAS',
    {
      found: 'takes no writes while too few replicas follow it',
      remedy: 'bring its replicas back, or lower min-replicas-to-write',
    },
  ],
  [
    'CLUSTERDOWN',
    {
      found: 'is part of a cluster that is down',
      remedy: 'look at redis-cli --cluster check; the worker resumes automatically',
    },
  ],
  ...['MOVED', 'ASK', 'CROSSSLOT', 'TRYAGAIN'].map((word): [string, Meaning] => [
    word,
    {
      found: 'is one node of a cluster, and the queue belongs on another one',
      remedy: 'name a Redis without cluster mode in REDIS_URL',
      isConfiguration: true,
    },
  ]),
  ['BUSY', { found: "is kept busy by somebody's script", remedy: 'end it with SCRIPT KILL' }],
])

/** What begins with ERR has no word of its own. */
const sentences: readonly (readonly [RegExp, Meaning])[] = [
  [
    /max number of clients/,
    { found: 'takes no more connections', remedy: 'raise its maxclients, or find out who holds so many' },
  ],
  [
    /DB index is out of range|invalid DB index/,
    {
      found: 'has no database of the number that REDIS_URL ends with',
      remedy: 'end REDIS_URL with /0, or raise "databases" in the configuration of Redis',
      isConfiguration: true,
    },
  ],
  [
    /SELECT is not allowed in cluster mode/,
    { found: 'is a cluster, which has database 0 alone', remedy: 'end REDIS_URL with /0', isConfiguration: true },
  ],
  [/user executing the script can't/, grantRights],
  [
    /unknown command/,
    {
      found: 'lacks a command that the queue needs',
      remedy: 'use Redis 6.2 or later, with none of its commands renamed or disabled',
      isConfiguration: true,
    },
  ],
]

const checkAddress = 'check that it runs and that REDIS_URL names it'
const checkTls = `${checkAddress}; if it speaks TLS on that port, REDIS_URL has to begin with rediss://`

/** What ioredis says itself, without a code. */
const ownErrors: readonly (readonly [said: RegExp, found: string, remedy: string])[] = [
  [/timed out|ETIMEDOUT/, 'no answer came in time', checkAddress],
  [/Connection is closed/, 'the connection was closed without a word', checkTls],
  [/max retries per request/, 'there is no connection', checkAddress],
]

const remedies: ReadonlyMap<string, string> = new Map([
  ['ECONNRESET', checkTls],
  ['EPIPE', checkTls],
  ['ETIMEDOUT', `${checkAddress}; if it speaks no TLS there, REDIS_URL has to begin with redis://`],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'let REDIS_URL begin with redis://, or name the port on which it speaks TLS'],
])

const wrongAddress: ReadonlySet<string> = new Set(['ERR_SSL_WRONG_VERSION_NUMBER'])
