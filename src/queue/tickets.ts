import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { TransientError } from '../errors.ts'
import { type Explanation, renderExplanation } from '../explanation.ts'
import type { Log } from '../log.ts'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { consumeTickets, type TicketConsumer, ticketSchema } from './consume-tickets.ts'
import { createErrorLog } from './error-log.ts'
import { inspectRedis, probeRedis } from './inspect-redis.ts'
import { quickenStrings } from './quicken-strings.ts'
import { openRedis, queueName, queueOptions } from './redis-connection.ts'
import { explainRedisFailure } from './redis-failure.ts'

/** Says that a line may have work. Losing it loses no work: a claim is right without it. */
export interface Ticket {
  readonly account: string
  readonly job: string
  /** The lease's before the claim: equal wake-ups share a ticket, and a wake-up during a run gets another one. */
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
  consume(serve: (line: Omit<Ticket, 'fence'>) => Promise<void>, concurrency: number): Promise<TicketConsumer>
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

/** Milliseconds for Redis to answer. A ticket that it hasn't accepted by then isn't needed: workers poll the store. */
const answerWithinMs = 1_500
const closeWithinMs = 1_000

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
  const logError = createErrorLog(deps)
  const consumers = new Set<TicketConsumer>()
  let opened: OpenQueue | undefined

  function openQueue(): OpenQueue {
    // Producers fail immediately when Redis is down, instead of waiting forever.
    const redis = openRedis(redisUrl, { maxRetriesPerRequest: 1, commandTimeout: answerWithinMs }, logError)
    const queue = new Queue(queueName, {
      ...queueOptions,
      connection: redis,
      skipWaitingForReady: true,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
      streams: { events: { maxLen: 100 } },
    })
    queue.on('error', logError)
    return { queue, redis }
  }

  async function leaveQueue(): Promise<void> {
    const left = opened
    opened = undefined
    if (!left) return
    // BullMQ's close never returns while Redis is down.
    await settlesWithin(clock, closeWithinMs, left.queue.close())
    left.redis.disconnect()
  }

  /** A queue whose first connection failed would refuse everything forever, so a failed queue is replaced. */
  async function ask<T>(work: (opened: OpenQueue) => Promise<T>): Promise<T> {
    opened ??= openQueue()
    try {
      return await work(opened)
    } catch (cause) {
      void leaveQueue()
      if (cause instanceof TransientError) throw cause
      throw new TransientError('queue', explainRedisFailure(cause, 'Redis'), { cause })
    }
  }

  /** @throws TransientError if Redis doesn't respond */
  async function answered<T>(asked: Promise<T>): Promise<T> {
    if (!(await settlesWithin(clock, answerWithinMs, asked))) throw silent()
    return asked
  }

  // A queue that can be read may still refuse tickets.
  const ping = (): Promise<void> => answered(probeRedis(redisUrl))

  return {
    async add(tickets) {
      const [first, ...others] = tickets.map(asJob)
      if (!first) return
      // A bulk of one takes a fifth of a millisecond longer.
      const add = ({ queue }: OpenQueue): Promise<unknown> =>
        others.length > 0 ? queue.addBulk([first, ...others]) : queue.add(first.name, first.data, first.opts)
      await ask(opened => answered(add(opened)))
    },
    async consume(serve, concurrency) {
      const problem = await answered(inspectRedis(redisUrl)).catch(awaited)
      if (problem) log.warn(renderExplanation(problem))
      const consumer = consumeTickets(redisUrl, serve, { concurrency, clock, logError })
      consumers.add(consumer)
      return consumer
    },
    ping,
    async count() {
      const { waiting = 0, active = 0 } = await ask(({ queue }) => answered(queue.getJobCounts('waiting', 'active')))
      return { waiting, active }
    },
    async drop(account) {
      // Its errors say more than those of the queue's own client.
      await ping()
      for (let look = 1; (await ask(({ queue }) => dropTickets(queue, account))) > 0; look++) {
        if (look === dropLooks) throw inHand(account)
        await clock.sleep(dropLookEveryMs)
      }
      await ask(({ queue, redis }) => redis.del(queue.toKey('events')))
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
