import { type Job, Worker } from 'bullmq'
import { z } from 'zod'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { openRedis, queueName, queueOptions } from './redis-connection.ts'

export interface TicketConsumer extends AsyncDisposable {
  /** Takes no more tickets; doesn't wait for current ones. */
  stop(): Promise<void>
}

/** The content of a ticket. */
export const ticketSchema = z.object({ account: z.string(), job: z.string() })

/** How long to wait for Redis when a consumer closes, in milliseconds. */
const stopWithinMs = 1_000

/** Passes tickets to `serve`, up to a given number concurrently. A ticket is done when `serve` returns, whatever the result. */
export function consumeTickets(
  redisUrl: string,
  serve: (line: z.infer<typeof ticketSchema>) => Promise<void>,
  { concurrency, clock, logError }: { concurrency: number; clock: Clock; logError: (error: Error) => void },
): TicketConsumer {
  const redis = openRedis(redisUrl, { maxRetriesPerRequest: null }, logError)
  const worker = new Worker(
    queueName,
    async (job: Job<unknown>) => {
      const line = ticketSchema.safeParse(job.data)
      if (line.success) await serve(line.data)
    },
    {
      ...queueOptions,
      connection: redis,
      concurrency,
      // BullMQ passes a dead process's ticket to another process, which finds nothing to claim or what was put back.
      lockDuration: 10_000,
      stalledInterval: 5_000,
      maxStalledCount: 1_000_000,
      drainDelay: 2,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  )
  worker.on('error', logError)
  return {
    async stop() {
      await settlesWithin(clock, stopWithinMs, worker.pause(true))
    },
    async [Symbol.asyncDispose]() {
      await settlesWithin(clock, stopWithinMs, worker.close(true))
      redis.disconnect()
    },
  }
}
