import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { type Explanation, renderExplanation, TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { consumeTickets, type TicketConsumer, ticketSchema } from './consume-tickets.ts'
import { createErrorLog } from './error-log.ts'
import { inspectRedis, probeRedis } from './inspect-redis.ts'
import { openRedis } from './open-redis.ts'
import { quickenStrings } from './quicken-strings.ts'
import { queueName, redisConnection, ticketPrefix } from './redis-connection.ts'
import { explainRedisFailure } from './redis-failure.ts'

/** Says that a line may have work. It carries nothing that can be lost: a claim is right without it. */
export interface Ticket {
  readonly account: string
  readonly job: string
  /** The number of the lease that the claim would follow: equal wake-ups are one ticket, and one made during a run another. */
  readonly fence: string
}

export interface Tickets extends AsyncDisposable {
  /** @throws TransientError when Redis doesn't take them in time */
  add(tickets: readonly Ticket[]): Promise<void>
  /**
   * Hands tickets to `serve`, so many at a time, until it is stopped; from when Redis is there.
   *
   * @throws ConfigError when its words say that somebody has to change something
   */
  consume(serve: (line: Pick<Ticket, 'account' | 'job'>) => Promise<void>, concurrency: number): Promise<TicketConsumer>
  /** @throws TransientError when Redis can't be used */
  ping(): Promise<void>
  /**
   * How many wait for a worker, and how many a worker has in hand.
   *
   * @throws TransientError when Redis can't be used
   */
  count(): Promise<Readonly<Record<'waiting' | 'active', number>>>
  /**
   * Deletes the tickets of an account, and the names of its tickets in BullMQ's events, which nobody reads.
   *
   * @throws TransientError when Redis can't be used, or while a worker has one of them in hand
   */
  drop(account: string): Promise<void>
}

/** Milliseconds in which Redis takes a ticket, or somebody looks without. */
const addWithinMs = 1_000
const closeWithinMs = 1_000

/** Milliseconds in which Redis has to tell whether it can be used. */
const probeWithinMs = 1_500

interface OpenQueue {
  readonly queue: Queue
  readonly redis: Redis
}

/** So often a ticket that a worker has in hand is looked for again, after so many milliseconds each. */
const dropLooks = 20
const dropLookEveryMs = 100

/** Redis may be away: it is connected to when a ticket comes, and again for as long as this is open. */
export function openTickets(redisUrl: string, deps: { clock: Clock; log: Log }): Tickets {
  const { clock, log } = deps
  quickenStrings()
  const explain = (error: unknown) => explainRedisFailure(error, 'Redis')
  const logError = createErrorLog(deps, explain)
  const connection = redisConnection(redisUrl)
  const consumers = new Set<TicketConsumer>()
  let queue: OpenQueue | undefined

  function openQueue(): OpenQueue {
    // A producer is told at once that Redis is away instead of waiting for ever.
    const redis = openRedis({ ...connection, maxRetriesPerRequest: 1, commandTimeout: addWithinMs }, logError)
    const opened = new Queue(queueName, {
      prefix: ticketPrefix,
      connection: redis,
      skipWaitingForReady: true,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
      streams: { events: { maxLen: 100 } },
    })
    opened.on('error', logError)
    return { queue: opened, redis }
  }

  /** One whose first connection failed would refuse everything for ever, so a queue that has failed is left. */
  async function leaveQueue(): Promise<void> {
    const left = queue
    queue = undefined
    if (!left) return
    // BullMQ's close never returns while Redis is down.
    await settlesWithin(clock, closeWithinMs, left.queue.close())
    left.redis.disconnect()
  }

  /** @throws TransientError when Redis stays silent */
  async function answered<T>(asked: Promise<T>): Promise<T> {
    if (!(await settlesWithin(clock, probeWithinMs, asked))) throw silent()
    return asked
  }

  // A queue that can be read may still take no tickets.
  const ping = (): Promise<void> => answered(probeRedis(redisUrl))

  return {
    async add(tickets) {
      if (tickets.length === 0) return
      queue ??= openQueue()
      const added = queue.queue.addBulk(tickets.map(asJob))
      try {
        if (await settlesWithin(clock, addWithinMs, added)) {
          await added
          return
        }
      } catch (cause) {
        void leaveQueue()
        throw new TransientError('queue', explain(cause), { cause })
      }
      void leaveQueue()
      throw silent()
    },
    async consume(serve, concurrency) {
      const problem = await answered(inspectRedis(redisUrl)).catch(awaited)
      if (problem) log.warn(renderExplanation(problem))
      const consumer = consumeTickets(connection, serve, { concurrency, clock, logError })
      consumers.add(consumer)
      return consumer
    },
    ping,
    async count() {
      queue ??= openQueue()
      try {
        const { waiting = 0, active = 0 } = await answered(queue.queue.getJobCounts('waiting', 'active'))
        return { waiting, active }
      } catch (cause) {
        void leaveQueue()
        throw cause instanceof TransientError ? cause : new TransientError('queue', explain(cause), { cause })
      }
    },
    async drop(account) {
      // What it throws says more than what the queue's own client would.
      await ping()
      queue ??= openQueue()
      const { redis, queue: opened } = queue
      try {
        for (let look = 1; (await dropTickets(opened, account)) > 0; look++) {
          if (look === dropLooks) throw inHand(account)
          await clock.sleep(dropLookEveryMs)
        }
        await redis.del(opened.toKey('events'))
      } catch (cause) {
        if (cause instanceof TransientError) throw cause
        void leaveQueue()
        throw new TransientError('queue', explain(cause), { cause })
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...[...consumers].map(consumer => consumer[Symbol.asyncDispose]()), leaveQueue()])
    },
  }
}

/** What may pass is only told: requests are accepted and run without tickets. */
function awaited(error: unknown): Explanation {
  if (error instanceof TransientError) return error
  throw error
}

function silent(): TransientError {
  return new TransientError('queue', {
    found: 'Redis does not answer',
    remedy: 'check that it runs and can be reached',
  })
}

function inHand(account: string): TransientError {
  return new TransientError('queue', {
    found: `A worker that has no free slot still has a ticket of account "${account}" in hand`,
    remedy: 'try again when one of its runs has ended',
  })
}

/** @returns how many tickets of the account are left, because a worker has them in hand */
async function dropTickets(queue: Queue, account: string): Promise<number> {
  let left = 0
  for (const ticket of await queue.getJobs()) {
    const line = ticketSchema.safeParse(ticket.data)
    if (line.data?.account !== account) continue
    // One that a living worker has in hand is locked.
    await ticket.remove().catch(() => {
      left += 1
    })
  }
  return left
}

/** BullMQ takes a colon in an id for its own. */
function asJob({ account, job, fence }: Ticket): { name: string; data: object; opts: { jobId: string } } {
  return {
    name: 'line',
    data: { account, job },
    opts: { jobId: `${encodeURIComponent(account)}/${encodeURIComponent(job)}/${fence}` },
  }
}
