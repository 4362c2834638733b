import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { TransientError } from '../errors.ts'
import { type Explanation, renderExplanation } from '../explanation.ts'
import type { Log } from '../log.ts'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { consumeTickets, type TicketConsumer, ticketSchema } from './consume-tickets.ts'
import { createErrorLog } from './error-log.ts'
import { inspectRedis, probeRedis } from './inspect-redis.ts'
import { openRedis } from './open-redis.ts'
import { quickenStrings } from './quicken-strings.ts'
import { queueName, redisConnection, ticketPrefix } from './redis-connection.ts'
import { explainRedisFailure } from './redis-failure.ts'

/** Says that a line may have work. Losing it loses no work: a claim is right without it. */
export interface Ticket {
  readonly account: string
  readonly job: string
  /**
   * The fence of the lease before the claim. Equal wake-ups therefore share a ticket, and a wake-up during a run gets another
   * one.
   */
  readonly fence: string
}

export interface Tickets extends AsyncDisposable {
  /** @throws TransientError if Redis doesn't accept them in time */
  add(tickets: readonly Ticket[]): Promise<void>
  /**
   * Passes tickets to `serve`, up to `concurrency` at once, until the consumer is stopped. It starts as soon as Redis is
   * available.
   *
   * @throws ConfigError if Redis' reply means that someone must change something
   */
  consume(serve: (line: Pick<Ticket, 'account' | 'job'>) => Promise<void>, concurrency: number): Promise<TicketConsumer>
  /** @throws TransientError if Redis can't be used */
  ping(): Promise<void>
  /**
   * How many tickets wait for a worker, and how many are being served.
   *
   * @throws TransientError if Redis can't be used
   */
  count(): Promise<Readonly<Record<'waiting' | 'active', number>>>
  /**
   * Deletes the tickets of an account, and their ids in BullMQ's events, which nobody reads.
   *
   * @throws TransientError if Redis can't be used, or while a worker is serving one of them
   */
  drop(account: string): Promise<void>
}

/** Milliseconds for Redis to accept a ticket; after that, workers find the line when they poll the store. */
const addWithinMs = 1_000
const closeWithinMs = 1_000

/** Milliseconds for Redis to answer a check. */
const probeWithinMs = 1_500

interface OpenQueue {
  readonly queue: Queue
  readonly redis: Redis
}

/** How often, and after how many milliseconds each, to look again for a ticket that a worker is serving. */
const dropLooks = 20
const dropLookEveryMs = 100

/** Redis may be down: the connection is opened with the first ticket, and reopened as needed until disposal. */
export function openTickets(redisUrl: string, deps: { clock: Clock; log: Log }): Tickets {
  const { clock, log } = deps
  quickenStrings()
  const explain = (error: unknown) => explainRedisFailure(error, 'Redis')
  const logError = createErrorLog(deps, explain)
  const connection = redisConnection(redisUrl)
  const consumers = new Set<TicketConsumer>()
  let queue: OpenQueue | undefined

  function openQueue(): OpenQueue {
    // Producers learn at once that Redis is down instead of waiting forever.
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

  /** A queue whose first connection failed would refuse everything forever, so a failed queue is replaced. */
  async function leaveQueue(): Promise<void> {
    const left = queue
    queue = undefined
    if (!left) return
    // BullMQ's close never returns while Redis is down.
    await settlesWithin(clock, closeWithinMs, left.queue.close())
    left.redis.disconnect()
  }

  /** @throws TransientError if Redis doesn't respond */
  async function answered<T>(asked: Promise<T>): Promise<T> {
    if (!(await settlesWithin(clock, probeWithinMs, asked))) throw silent()
    return asked
  }

  // A queue that can be read may still refuse tickets.
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
      // Its errors say more than those of the queue's own client.
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

/** A failure that may pass is only logged: requests are accepted and run without tickets. */
function awaited(error: unknown): Explanation {
  if (error instanceof TransientError) return error
  throw error
}

function silent(): TransientError {
  return new TransientError('queue', {
    found: 'Redis does not answer',
    remedy: 'check that it is running and can be reached',
  })
}

function inHand(account: string): TransientError {
  return new TransientError('queue', {
    found: `A worker without a free slot is still holding a ticket of account "${account}"`,
    remedy: 'try again when one of its runs has ended',
  })
}

/** @returns how many tickets of the account are left because workers are serving them */
async function dropTickets(queue: Queue, account: string): Promise<number> {
  let left = 0
  for (const ticket of await queue.getJobs()) {
    const line = ticketSchema.safeParse(ticket.data)
    if (line.data?.account !== account) continue
    // A ticket that a live worker is serving is locked.
    await ticket.remove().catch(() => {
      left += 1
    })
  }
  return left
}

/** BullMQ reserves the colon in ids. */
function asJob({ account, job, fence }: Ticket): { name: string; data: object; opts: { jobId: string } } {
  return {
    name: 'line',
    data: { account, job },
    opts: { jobId: `${encodeURIComponent(account)}/${encodeURIComponent(job)}/${fence}` },
  }
}
